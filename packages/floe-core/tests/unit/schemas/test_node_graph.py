from __future__ import annotations

import pytest

from floe_core.foundation.errors import StaleProductError
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import Node


def node(name: str, *parents: str) -> Node:
    return Node(
        unique_id=name, name=name, resource_type="model", package="shop", depends_on=parents
    )


SHOP = [node("mart", "b", "a"), node("a"), node("b", "a", "elsewhere"), node("last", "mart")]


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
    graph = NodeGraph([node("a", "b"), node("b", "a"), node("c", "b")])
    assert graph.cycle() == ["a", "b", "a"]
    with pytest.raises(StaleProductError) as raised:
        graph.in_order()
    assert [str(each.what) for each in raised.value.problems] == ["nodes form a cycle: a -> b -> a"]


def test_a_graph_in_order_has_no_circle() -> None:
    assert NodeGraph(SHOP).cycle() == []
