from __future__ import annotations

from floe_core.schemas.nodes import Node
from floe_orchestrator_airflow.names.airflow_names import MAX_LENGTH, task_ids


def node(unique_id: str, name: str = "", version: str = "") -> Node:
    kind, package = unique_id.split(".")[:2]
    return Node.model_validate(
        {
            "unique_id": unique_id,
            "name": name or unique_id.split(".")[2],
            "resource_type": kind,
            "package": package,
            "version": version,
        }
    )


def test_a_task_is_called_like_its_node() -> None:
    assert task_ids([node("model.shop.orders")]) == {"model.shop.orders": "orders"}


def test_versions_of_a_model_are_tasks_of_their_own() -> None:
    nodes = [node("model.shop.dim.v1", version="1"), node("model.shop.dim.v2", version="2")]
    assert task_ids(nodes) == {"model.shop.dim.v1": "dim.v1", "model.shop.dim.v2": "dim.v2"}


def test_equal_names_are_told_apart_by_package_and_then_by_kind() -> None:
    nodes = [
        node("model.a.orders"),
        node("model.b.orders"),
        node("test.b.same"),
        node("unit_test.b.same"),
    ]
    assert task_ids(nodes) == {
        "model.a.orders": "a.orders",
        "model.b.orders": "b.orders",
        "test.b.same": "test.b.same",
        "unit_test.b.same": "unit_test.b.same",
    }


def test_a_node_does_not_take_the_name_of_a_task_of_floes() -> None:
    nodes = [node("model.shop.outcome"), node("model.shop.dbt_build")]
    assert task_ids(nodes) == {
        "model.shop.dbt_build": "shop.dbt_build",
        "model.shop.outcome": "shop.outcome",
    }


def test_characters_that_airflow_refuses_are_replaced() -> None:
    assert task_ids([node("test.s.a", name="is ok? (ä)")]) == {"test.s.a": "is_ok_____"}


def test_long_names_are_cut_and_stay_distinct() -> None:
    names = ["x" * 300 + end for end in "ab"]
    ids = task_ids([node(f"test.s.{name}", name=name) for name in names])
    assert len(set(ids.values())) == 2
    assert all(len(task_id) <= MAX_LENGTH for task_id in ids.values())
