"""What the arguments of calls are chosen from."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from floe_import.python.modules import Module


def choices_of(calls: Iterable[ast.Call], module: Module) -> set[ast.AST]:
    """Return the nodes of all values that the names in these calls are given, and of theirs."""
    found: set[ast.AST] = set()
    open_nodes: list[ast.AST] = list(calls)
    while open_nodes:
        for node in ast.walk(open_nodes.pop()):
            if node not in found:
                found.add(node)
                open_nodes += _values_of(node, module)
    return found


def _values_of(node: ast.AST, module: Module) -> list[ast.AST]:
    """Return what a name is given by its assignments, or by the function that it stands for."""
    if not isinstance(node, ast.Name):
        return []
    for scope in module.scopes_of(node):
        if bindings := module.bindings.get((scope, node.id)):
            functions = [each.node for each in bindings if isinstance(each.node, ast.FunctionDef)]
            return [*(each.value for each in bindings if each.value), *functions]
    return []
