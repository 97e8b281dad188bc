"""Texts of a file that document something and run nothing."""

from __future__ import annotations

import ast

from floe_import.python.modules import Module, last_name

_LOGS = ("debug", "info", "warning", "error", "exception", "critical", "print")
# Arguments that run nothing.
_TEXTS = (
    "doc_md",
    "description",
    "doc",
    "tooltip",
    "help",
    "tags",
    "flow_run_name",
    "task_run_name",
)
# The names of what these make.
_NAMED = ("flow", "task", "with_options", "serve", "deploy", "to_deployment", "from_source")


def is_documentation(node: ast.AST, module: Module) -> bool:
    """Return whether a text is a docstring, documentation of a task, a tag, or a log's message."""
    at: ast.AST | None = node
    while isinstance(at, ast.expr):
        at = module.parents.get(at)
        if isinstance(at, ast.Call) and last_name(at.func) in _LOGS:
            return True
    if isinstance(at, ast.Expr):
        return at.value is node
    if isinstance(at, ast.keyword):
        above = module.parents.get(at)
        is_named = isinstance(above, ast.Call) and last_name(above.func) in _NAMED
        return at.arg in _TEXTS or (at.arg == "name" and is_named)
    if isinstance(at, ast.Assign) and isinstance(at.targets[0], ast.Name):
        return _is_read_as_text(at.targets[0].id, module)
    return isinstance(at, ast.Assign) and isinstance(at.targets[0], ast.Attribute)


def _is_read_as_text(name: str, module: Module) -> bool:
    """Return whether a name is read, and nowhere but in such arguments."""
    found = [
        module.parents.get(node)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]
    return bool(found) and all(isinstance(n, ast.keyword) and n.arg in _TEXTS for n in found)
