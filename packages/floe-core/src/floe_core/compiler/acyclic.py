"""Refuse a graph that runs in circles, showing the circle."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError

from floe_core.compiler.inputs import FLOE_FILE
from floe_core.errors import Problem
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import Node


def cycle_problem(nodes: Sequence[Node]) -> Problem | None:
    """Return the problem of a cycle among the nodes, None when there is none."""
    try:
        NodeGraph(nodes).in_order()
    except CycleError as error:
        by_id = {node.unique_id: node for node in nodes}
        cycle = [by_id[unique_id] for unique_id in error.args[1]]
        path = " -> ".join(node.name for node in cycle)
        steps = [node for node in cycle if node.is_step]
        if steps:
            fix = f"change what step '{steps[0].name}' reads or writes"
            return Problem(f"steps and dbt nodes form a cycle: {path}", fix, FLOE_FILE)
        return Problem(
            f"a cycle in the dbt graph: {path}", "remove one of these ref()s", cycle[0].path
        )
    return None
