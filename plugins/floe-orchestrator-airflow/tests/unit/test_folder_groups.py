from __future__ import annotations

from typing import Any

from floe_core.schemas.nodes import Node
from floe_orchestrator_airflow.dag.folder_groups import folder_paths


def node(path: str, *depends_on: str, kind: str = "model", **fields: Any) -> Node:
    name = path.rpartition("/")[2].partition(".")[0]
    return Node.model_validate(
        {
            "unique_id": f"{kind}.shop.{name}",
            "name": name,
            "resource_type": kind,
            "package": "shop",
            "path": path,
            "depends_on": tuple(f"model.shop.{parent}" for parent in depends_on),
            **fields,
        }
    )


def paths(*nodes: Node) -> dict[str, tuple[str, ...]]:
    return {i.split(".")[2]: path for i, path in folder_paths(nodes, "shop").items()}


def test_a_node_is_in_the_folders_of_its_file_below_that_of_models() -> None:
    assert paths(
        node("models/top.sql"),
        node("models/marts/core/orders.sql"),
        node("seeds/raw/people.csv", kind="seed"),
        node("snapshots/history.sql", kind="snapshot"),
        node("models/utils/days.sql", package="dbt_date"),
    ) == {
        "top": (),
        "orders": ("marts", "core"),
        "people": ("seeds", "raw"),
        "history": ("snapshots",),
        "days": ("dbt_date", "utils"),
    }


def test_a_test_is_below_what_it_tests() -> None:
    found = paths(
        node("models/marts/orders.sql"),
        node("models/marts/unique_id.yml", "orders", kind="test", tested="model.shop.orders"),
        node("tests/of_nothing.sql", kind="test"),
    )
    assert found["unique_id"] == ("marts", "tests of orders")
    assert found["of_nothing"] == ("tests",)


def test_folders_that_need_each_other_become_several_groups_in_the_order_of_the_graph() -> None:
    found = paths(
        node("models/a/one.sql"),
        node("models/b/two.sql", "one"),
        node("models/a/three.sql", "two"),
        node("models/b/four.sql", "three"),
    )
    assert found == {"one": ("a",), "two": ("b",), "three": ("a 2",), "four": ("b 2",)}


def test_so_do_folders_within_a_folder() -> None:
    found = paths(
        node("models/marts/a/one.sql"),
        node("models/marts/b/two.sql", "one"),
        node("models/marts/a/three.sql", "two"),
    )
    assert found == {"one": ("marts", "a"), "two": ("marts", "b"), "three": ("marts", "a 2")}
