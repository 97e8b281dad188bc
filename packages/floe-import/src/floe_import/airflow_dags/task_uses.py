"""What code does with the variable of a task that a group of tasks replaces."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from floe_import.python.values import Made
from floe_import.report.findings import Verdict, unknown

_MAY = frozenset({"set_upstream", "set_downstream"})


def unfit_uses(made: Made) -> Iterator[tuple[ast.Attribute, Verdict]]:
    """Yield what reads of a task's variable a group of tasks does not have, such as `output`."""
    parent = made.module.parents.get(made.call)
    if not isinstance(parent, ast.Assign) or not isinstance(parent.targets[0], ast.Name):
        return
    name = parent.targets[0].id
    for node in ast.walk(made.module.tree):
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            continue
        if node.value.id == name and node.attr not in _MAY:
            yield node, unknown(f"a group of tasks has no `{node.attr}`: decide what reads it")
