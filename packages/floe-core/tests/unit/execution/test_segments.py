"""Where a build is cut, against a search of every order, and what holds a node back, against dbt."""

from __future__ import annotations

import random
from functools import cache
from types import SimpleNamespace
from typing import Any

import networkx
import pytest
from dbt.compilation import Linker
from dbt.node_types import NodeType
from small_artifacts import small_product

from floe_core.execution.gates import gates_of_steps, nodes_held_back_by
from floe_core.execution.segments import Segment, cut_into_segments
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node, Step

SEEDS = range(60)


def artifacts_of(kinds: dict[str, str], parents: dict[str, tuple[str, ...]]) -> CompiledArtifacts:
    """Return a product of these nodes: id -> kind, and id -> what it depends on."""
    nodes = tuple(
        Node(
            unique_id=i,
            name=i,
            resource_type=kind,  # type: ignore[arg-type]
            package="shop",
            depends_on=tuple(sorted(parents.get(i, ()))),
        )
        for i, kind in sorted(kinds.items())
    )
    return small_product(
        *nodes, steps=tuple(Step(unique_id=n.unique_id) for n in nodes if n.is_step)
    )


def random_product(seed: int, count: int) -> CompiledArtifacts:
    chance = random.Random(seed)
    kinds: dict[str, str] = {}
    parents: dict[str, tuple[str, ...]] = {}
    for number in range(count):
        name = f"n{number}"
        kinds[name] = chance.choice(["model", "model", "step", "test"])
        above = [i for i in kinds if i != name and kinds[i] != "test"]
        parents[name] = tuple(chance.sample(above, min(len(above), chance.randint(0, 2))))
    return artifacts_of(kinds, parents)


def waits_for(artifacts: CompiledArtifacts) -> dict[str, set[str]]:
    """Return node id -> all that must have ended before, by dbt's own function."""
    edges = edges_by_dbt(artifacts)
    return {i: set(networkx.ancestors(edges, i)) for i in edges}


def edges_by_dbt(artifacts: CompiledArtifacts) -> Any:
    """Return the graph of the nodes, with the edges that dbt adds from tests."""
    linker = Linker()
    for node in artifacts.runnable:
        linker.add_node(node.unique_id)
        for parent in node.depends_on:
            linker.dependency(node.unique_id, parent)
    children: dict[str, list[str]] = {node.unique_id: [] for node in artifacts.runnable}
    # dbt knows a test by the beginning of its id.
    marks = {n.unique_id: f"test.{n.unique_id}" for n in artifacts.runnable if n.is_test}
    for node in artifacts.runnable:
        for parent in node.depends_on:
            children[parent].append(marks.get(node.unique_id, node.unique_id))
    networkx.relabel_nodes(linker.graph, marks, copy=False)
    nodes = {
        marks.get(n.unique_id, n.unique_id): SimpleNamespace(
            resource_type=NodeType.Test if n.is_test else NodeType.Model,
            depends_on_nodes=list(n.depends_on),
        )
        for n in artifacts.runnable
    }
    linker.add_test_edges_1(SimpleNamespace(nodes=nodes, child_map=children))  # type: ignore[arg-type]
    return networkx.relabel_nodes(linker.graph, {mark: i for i, mark in marks.items()})


def fewest_builds(artifacts: CompiledArtifacts) -> int:
    """Return the fewest dbt builds that any order allows, by trying every one."""
    before = waits_for(artifacts)
    steps = {step.unique_id for step in artifacts.steps}
    everything = frozenset(before)

    @cache
    def from_here(done: frozenset[str]) -> int:
        if done == everything:
            return 0
        ways = [from_here(done | {step}) for step in steps - done if before[step] <= done]
        # One build takes any set of nodes that needs no step in between; a larger one is no worse.
        built = set(done)
        for node_id in networkx.topological_sort(edges):
            if node_id not in steps and before[node_id] <= built:
                built.add(node_id)
        if built != done:
            ways.append(1 + from_here(frozenset(built)))
        return min(ways)

    edges = edges_by_dbt(artifacts)
    return from_here(frozenset())


@pytest.mark.parametrize("seed", SEEDS)
def test_each_segment_comes_after_what_it_needs_and_there_are_as_few_as_can_be(seed: int) -> None:
    artifacts = random_product(seed, 9)
    ids = [node.unique_id for node in artifacts.runnable]
    segments = cut_into_segments(artifacts, ids)
    assert sorted(i for segment in segments for i in segment.node_ids) == sorted(ids)
    place = {i: number for number, segment in enumerate(segments) for i in segment.node_ids}
    for node_id, before in waits_for(artifacts).items():
        assert all(place[i] <= place[node_id] for i in before), (node_id, segments)
    assert all(len(segment.node_ids) == 1 for segment in segments if segment.kind == "step")
    builds = sum(segment.kind == "build" for segment in segments)
    assert builds == fewest_builds(artifacts)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_part_of_a_product_keeps_the_order_of_the_whole(seed: int) -> None:
    artifacts = random_product(seed, 12)
    ids = [node.unique_id for node in artifacts.runnable]
    part = random.Random(seed).sample(ids, 6)
    segments = cut_into_segments(artifacts, part)
    assert sorted(i for segment in segments for i in segment.node_ids) == sorted(part)
    place = {i: number for number, segment in enumerate(segments) for i in segment.node_ids}
    for node_id, before in waits_for(artifacts).items():
        if node_id in place:
            assert all(place[i] <= place[node_id] for i in before if i in place)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_failure_holds_back_what_it_holds_back_in_dbt(seed: int) -> None:
    artifacts = random_product(seed, 14)
    edges = edges_by_dbt(artifacts)
    for node in artifacts.runnable:
        held = nodes_held_back_by(artifacts, [node.unique_id])
        assert held == set(networkx.descendants(edges, node.unique_id)), node.unique_id


def test_a_step_waits_for_the_tests_of_what_it_reads() -> None:
    kinds = {
        "orders": "model",
        "tested": "test",
        "related": "test",
        "other": "model",
        "push": "step",
    }
    parents = {"tested": ("orders",), "related": ("orders", "other"), "push": ("orders",)}
    artifacts = artifacts_of(kinds, parents)
    assert gates_of_steps(artifacts) == {"push": ("tested",)}
    assert cut_into_segments(artifacts, sorted(kinds)) == (
        Segment(("orders", "other", "related", "tested")),
        Segment(("push",), "step"),
    )


def test_without_steps_there_is_one_build() -> None:
    artifacts = artifacts_of({"a": "model", "b": "model"}, {"b": ("a",)})
    assert cut_into_segments(artifacts, ["b", "a"]) == (Segment(("b", "a")),)
