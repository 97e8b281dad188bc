from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import GroupBy
from floe_orchestrator_airflow.mirrors.node_groups import NodeGroup, node_groups


def node(name: str, *upstream: str, kind: Any = "model", folder: str = "", **more: Any) -> Node:
    fqn = ("shop", *([folder] if folder else []), name)
    return Node(
        unique_id=name,
        name=name,
        resource_type=kind,
        package="shop",
        fqn=fqn,
        depends_on=upstream,
        **more,
    )


SHOP = [
    node("raw_a", kind="seed"),
    node("raw_b", kind="seed"),
    node("stg_a", "raw_a", folder="staging", tier="bronze", tags=("daily",)),
    node("stg_b", "raw_b", folder="staging", tier="bronze", tags=("hourly",)),
    node("mart", "stg_a", "stg_b", folder="marts", tier="gold", tags=("daily",)),
    node("history", "mart", kind="snapshot"),
    node("not_null_stg_a", "stg_a", kind="test"),
    node("same_people", "stg_a", "mart", kind="test"),
]


def test_what_shares_a_folder_is_a_group_with_its_tests() -> None:
    assert node_groups(SHOP, "folder") == [
        NodeGroup("seeds", ("raw_a", "raw_b"), ()),
        NodeGroup("staging", ("not_null_stg_a", "stg_a", "stg_b"), ("seeds",)),
        NodeGroup("marts", ("mart", "same_people"), ("staging",)),
        NodeGroup("snapshots", ("history",), ("marts",)),
    ]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("tier", ["seeds", "bronze", "gold", "snapshots"]),
        ("tag", ["seeds", "hourly", "daily", "snapshots"]),
        ("level", ["level_1", "level_2", "level_3", "level_4"]),
    ],
)
def test_groups_can_be_by_tier_by_tag_and_by_level(by: GroupBy, expected: list[str]) -> None:
    assert [group.name for group in node_groups(SHOP, by)] == expected


def test_a_folder_that_is_needed_before_and_after_another_makes_two_groups() -> None:
    graph = [
        node("first", folder="a"),
        node("between", "first", folder="b"),
        node("last", "between", folder="a"),
    ]
    assert node_groups(graph, "folder") == [
        NodeGroup("a", ("first",), ()),
        NodeGroup("b", ("between",), ("a",)),
        NodeGroup("a_2", ("last",), ("b",)),
    ]


def test_too_many_folders_are_shown_by_level() -> None:
    graph = [node(f"m{number}", folder=f"folder_{number}") for number in range(40)]
    assert [(g.name, len(g.node_ids)) for g in node_groups(graph, "folder")] == [("level_1", 40)]


def test_a_long_chain_is_cut_into_twelve_bands() -> None:
    chain = [node(f"m{n:02}", *([f"m{n - 1:02}"] if n else [])) for n in range(60)]
    groups = node_groups(chain, "level")
    assert [len(group.node_ids) for group in groups] == [5] * 12
    assert (groups[0].name, groups[11].name) == ("levels_1_to_5", "levels_56_to_60")


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    size = draw(st.integers(0, 25))
    kinds = st.sampled_from(["model", "model", "test", "seed"])
    found: list[Node] = []
    for number in range(size):
        above = [n.unique_id for n in found if n.resource_type != "test"]
        parents = draw(st.lists(st.sampled_from(above), max_size=4, unique=True)) if above else []
        folder = draw(st.sampled_from(["", "a", "b", "c"]))
        found.append(node(f"n{number:02}", *parents, kind=draw(kinds), folder=folder, tier=folder))
    return draw(st.permutations(found))


@given(graphs(), st.sampled_from(["folder", "level", "tier", "tag"]))
def test_groups_hold_each_node_once_and_come_after_all_that_they_need(
    graph: list[Node], by: GroupBy
) -> None:
    groups = node_groups(graph, by)
    ids = [node_id for group in groups for node_id in group.node_ids]
    assert sorted(ids) == sorted(n.unique_id for n in graph)
    group_of = {node_id: group for group in groups for node_id in group.node_ids}
    order = {group.name: place for place, group in enumerate(groups)}
    assert len(order) == len(groups)
    for child in graph:
        for parent in child.depends_on:
            above, below = group_of[parent], group_of[child.unique_id]
            assert above is below or above.name in below.upstream
    assert all(order[name] < order[group.name] for group in groups for name in group.upstream)
