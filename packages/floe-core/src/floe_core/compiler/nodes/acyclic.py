"""Refuse a graph with a cycle, and show the cycle."""

from __future__ import annotations

from collections.abc import Sequence

from floe_core.foundation.errors import Problem
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import Node


def cycle_problem(nodes: Sequence[Node]) -> Problem | None:
    """Return the problem of a cycle among dbt's nodes, None when there is none."""
    cycle = find_cycle(nodes)
    if not cycle:
        return None
    what = f"a cycle in the dbt graph: {format_cycle(cycle)}"
    return Problem(what, "remove one of these ref()s", cycle[0].path)


def find_cycle(nodes: Sequence[Node]) -> list[Node]:
    """Return the nodes of a cycle, with the first one repeated at the end."""
    by_id = {node.unique_id: node for node in nodes}
    return [by_id[unique_id] for unique_id in NodeGraph(nodes).cycle()]


def format_cycle(cycle: Sequence[Node]) -> str:
    """Return the names of a cycle's nodes, in order."""
    return " -> ".join(node.name for node in cycle)
