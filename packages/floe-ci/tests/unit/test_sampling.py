"""Which of the reused nodes `floe run --reuse --verify` builds again."""

from __future__ import annotations

import pytest
from small_artifacts import small_node, small_product

from floe_ci.verification import choose_sample
from floe_core.runs.build_events import NodeResult
from floe_core.schemas.nodes import ReuseFacts

REUSED = [f"model.shop.m{number}" for number in range(7)] + ["seed.shop.numbers"]


def sample(percent: float) -> dict[str, str]:
    late = ReuseFacts(lag_seconds=60)
    nodes = [
        *(small_node("model", f"m{number}", materialization="table") for number in range(7)),
        small_node("seed", "numbers"),
        small_node("model", "added", materialization="incremental"),
        small_node("model", "late", materialization="table", reuse=late),
        small_node("model", "built", materialization="table"),
    ]
    results = {
        node.unique_id: NodeResult(node.unique_id, "reused", message=f"why {node.name}")
        for node in nodes
    }
    results["model.shop.built"] = NodeResult("model.shop.built", "success")
    return choose_sample(small_product(*nodes), results, percent)


@pytest.mark.parametrize(
    ("percent", "size"), [(0.1, 1), (12.5, 1), (13, 2), (25, 2), (50, 4), (99, 8), (100, 8)]
)
def test_a_sample_is_that_part_of_what_can_be_compared_rounded_up(
    percent: float, size: int
) -> None:
    found = sample(percent)
    assert len(found) == size
    assert found.keys() <= {*REUSED}
    assert all(why == f"why {node_id.split('.')[2]}" for node_id, why in found.items())


def test_samples_differ_so_that_each_node_is_in_one_in_the_end() -> None:
    assert {node_id for _ in range(200) for node_id in sample(25)} == {*REUSED}
