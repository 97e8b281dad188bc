"""Cut the nodes of a build into dbt builds and steps, in the order of the graph."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from floe_core.execution.gates import gates_of_steps
from floe_core.partitions.calendar import Partition
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import Node

SegmentKind = Literal["build", "step", "freshness"]


@dataclass(frozen=True, slots=True)
class Segment:
    """The nodes of one `dbt build` or `dbt source freshness`, or a single step.

    `partitions` are those that it builds of its nodes, () for nodes that are not partitioned.
    """

    node_ids: tuple[str, ...]
    kind: SegmentKind = "build"
    partitions: tuple[Partition, ...] = ()


def with_tests_last(artifacts: CompiledArtifacts, todo: Collection[str]) -> tuple[Segment, ...]:
    """Return the segments of these nodes, and after them one of all their tests."""
    by_id = artifacts.by_id
    tests = tuple(i for i in todo if by_id[i].is_test and not by_id[i].is_freshness)
    others = [node_id for node_id in todo if node_id not in {*tests}]
    first = cut_into_segments(artifacts, others) if others else ()
    return (*first, Segment(tests)) if tests else first


def cut_into_segments(artifacts: CompiledArtifacts, todo: Collection[str]) -> tuple[Segment, ...]:
    """Return the segments of these nodes, each after those that it needs.

    There are as few dbt builds as the steps between them allow. A step comes after the tests of
    what it reads, like a model. The freshness of a source is measured after the step that writes
    it.
    """
    if all(_kind_of(artifacts, node_id) == "build" for node_id in todo):
        return (Segment(tuple(todo)),)
    turns = _turns(artifacts, frozenset(todo))
    found: list[Segment] = []
    for turn in sorted(set(turns.values())):
        of_turn = [node_id for node_id in turns if turns[node_id] == turn]
        for kind, ids in groupby(of_turn, lambda node_id: _kind_of(artifacts, node_id)):
            if kind == "step":
                found += (Segment((node_id,), kind) for node_id in ids)
            else:
                found.append(Segment(tuple(sorted(ids)), kind))
    return tuple(found)


def _kind_of(artifacts: CompiledArtifacts, node_id: str) -> SegmentKind:
    node = artifacts.by_id[node_id]
    if node.is_step:
        return "step"
    return "freshness" if node.is_freshness else "build"


def _turns(artifacts: CompiledArtifacts, todo: frozenset[str]) -> dict[str, int]:
    """Return node id -> turn, parents first: dbt's builds have the odd turns, the rest the even.

    A node that is not to be run has no turn of its own: it takes that of the last of its parents.
    """
    gates = gates_of_steps(artifacts)
    graph = NodeGraph(_behind(node, gates.get(node.unique_id, ())) for node in artifacts.runnable)
    turns: dict[str, int] = {}
    order = graph.in_order()
    for node_id in order:
        turn = max((turns[parent] for parent in graph.parents[node_id]), default=0)
        is_built = _kind_of(artifacts, node_id) == "build"
        turns[node_id] = turn + 1 if node_id in todo and turn % 2 != is_built else turn
    return {node_id: turns[node_id] for node_id in order if node_id in todo}


def _behind(node: Node, gates: tuple[str, ...]) -> Node:
    if not gates:
        return node
    return node.model_copy(update={"depends_on": (*node.depends_on, *gates)})
