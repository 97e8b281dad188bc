"""Cut what a build runs into builds of dbt and steps, in the order of the graph."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from floe_core.execution.gates import gates_of_steps
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import Node


@dataclass(frozen=True, slots=True)
class Segment:
    """Nodes that one `dbt build` builds, in the order of their ids, or one step alone."""

    node_ids: tuple[str, ...]
    is_step: bool = False


def cut_into_segments(artifacts: CompiledArtifacts, todo: Collection[str]) -> tuple[Segment, ...]:
    """Return the segments of these nodes in an order in which each comes after what it needs.

    There are as few dbt builds as the steps between them allow. A step comes after the tests of
    what it reads, as a model does.
    """
    if not any(artifacts.by_id[node_id].is_step for node_id in todo):
        return (Segment(tuple(todo)),)
    turns = _turns(artifacts, frozenset(todo))
    found: list[Segment] = []
    for turn in sorted(set(turns.values())):
        of_turn = [node_id for node_id in turns if turns[node_id] == turn]
        if turn % 2:
            found.append(Segment(tuple(sorted(of_turn))))
        else:
            found += (Segment((node_id,), is_step=True) for node_id in of_turn)
    return tuple(found)


def _turns(artifacts: CompiledArtifacts, todo: frozenset[str]) -> dict[str, int]:
    """Return node id -> turn, parents first: dbt has the odd turns, and steps the even ones.

    What is not to be run has no turn of its own: it is there with the last of its parents.
    """
    gates = gates_of_steps(artifacts)
    graph = NodeGraph(_behind(node, gates.get(node.unique_id, ())) for node in artifacts.runnable)
    turns: dict[str, int] = {}
    order = graph.in_order()
    for node_id in order:
        turn = max((turns[parent] for parent in graph.parents[node_id]), default=0)
        is_of_dbt = not artifacts.by_id[node_id].is_step
        turns[node_id] = turn + 1 if node_id in todo and turn % 2 != is_of_dbt else turn
    return {node_id: turns[node_id] for node_id in order if node_id in todo}


def _behind(node: Node, gates: tuple[str, ...]) -> Node:
    if not gates:
        return node
    return node.model_copy(update={"depends_on": (*node.depends_on, *gates)})
