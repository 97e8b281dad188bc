"""What code does with the variable of a task or group that a group of tasks replaces."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from floe_import.python.evaluate import evaluate
from floe_import.python.objects import Made
from floe_import.report.findings import Verdict, unknown

_MAY = frozenset({"set_upstream", "set_downstream"})
# What leads to the tasks of single nodes.
_OF_NODES = frozenset(
    {
        *("tasks_map", "dbt_graph", "filtered_nodes", "children", "tasks", "task_ids", "task_dict"),
        *("get_task", "get_child_by_label", "has_task", "iter_tasks", "partial_subset"),
    }
)


def unfit_uses(made: Made) -> Iterator[tuple[ast.Attribute, Verdict]]:
    """Yield what reads of a task's variable a group of tasks does not have, such as `output`."""
    for node in _attributes_read(made):
        if node.attr not in _MAY:
            yield node, unknown(f"a group of tasks has no `{node.attr}`: decide what reads it")


def uses_of_nodes(made: Made) -> Iterator[tuple[ast.Attribute, Verdict]]:
    """Yield where code takes tasks of single nodes out of the variable of a group or DAG."""
    for node in _attributes_read(made):
        if node.attr in _OF_NODES:
            said = (
                "floe's tasks have other ids and may run several nodes: decide which one is meant"
            )
            yield node, unknown(said)


def _attributes_read(made: Made) -> Iterator[ast.Attribute]:
    """Yield the attributes that a file reads of the variable to which an object is assigned."""
    parent, target = made.module.parents.get(made.call), None
    if isinstance(parent, ast.Assign):
        target = parent.targets[0]
    elif isinstance(parent, ast.withitem):
        target = parent.optional_vars
    if not isinstance(target, ast.Name):
        return
    for node in ast.walk(made.module.tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name) as variable) if name == target.id:
                value = evaluate(variable, made.module)
                if not isinstance(value, Made) or value.call is made.call:
                    yield node
