from __future__ import annotations

from graphlib import CycleError

import pytest

from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice, Product
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import DbtProject


def node(name: str, *parents: str) -> Node:
    return Node(
        unique_id=name, name=name, resource_type="model", package="shop", depends_on=parents
    )


SHOP = [node("mart", "b", "a"), node("a"), node("b", "a", "elsewhere"), node("last", "mart")]


def artifacts(*nodes: Node) -> CompiledArtifacts:
    dbt = DbtProject(
        project_name="shop",
        profile_name="shop",
        target_name="dev",
        adapter="duckdb",
        version="1.11.16",
    )
    return CompiledArtifacts(
        product=Product(name="shop", version="1.0.0"),
        orchestrator=OrchestratorChoice(name="any"),
        dbt=dbt,
        nodes=nodes,
        jobs=(),
    )


def test_edges_to_other_nodes_are_left_out() -> None:
    graph = NodeGraph(SHOP)
    assert graph.parents == {"mart": ("b", "a"), "a": (), "b": ("a",), "last": ("mart",)}
    assert graph.children == {"mart": ("last",), "a": ("mart", "b"), "b": ("mart",), "last": ()}


def test_what_is_above_and_below_some_nodes() -> None:
    graph = NodeGraph(SHOP)
    assert graph.above(["mart"]) == {"a", "b"}
    assert graph.above(["mart", "b"]) == {"a", "b"}
    assert graph.below(["b"]) == {"mart", "last"}
    assert graph.below(["a", "last"]) == {"b", "mart", "last"}
    assert graph.below(["elsewhere"]) == graph.above(["a"]) == set()


def test_parents_come_first() -> None:
    assert NodeGraph(SHOP).in_order() == ["a", "b", "mart", "last"]


def test_a_circle_has_no_order() -> None:
    with pytest.raises(CycleError):
        NodeGraph([node("a", "b"), node("b", "a")]).in_order()


def test_a_copy_with_other_nodes_knows_those_alone() -> None:
    before = artifacts(node("a"))
    assert (list(before.by_id), list(before.graph.parents)) == (["a"], ["a"])
    after = before.model_copy(update={"nodes": (node("b"),)})
    assert (list(after.by_id), list(after.graph.parents)) == (["b"], ["b"])
    assert [each.unique_id for each in after.runnable] == ["b"]
    assert list(before.by_id) == ["a"]
