from __future__ import annotations

from collections.abc import Callable

from floe_core.execution.dbt.selection import arguments_for_nodes
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

Shop = Callable[..., CompiledArtifacts]
ORDERS, TOTAL, ASIDE = "model.shop.orders", "model.shop.total", "model.shop.aside"
ONLY = ["--indirect-selection", "empty"]


def test_nodes_are_named_in_order_and_bring_no_tests_along(shop: Shop) -> None:
    assert arguments_for_nodes(shop(), {TOTAL, ASIDE}) == [
        *("--select", "fqn:shop.aside", "fqn:shop.total"),
        *ONLY,
    ]


def test_what_lies_in_a_folder_of_a_nodes_name_is_excluded_unless_it_is_wanted(shop: Shop) -> None:
    below = {
        "orders": {"fqn": ("shop", "staging")},
        "total": {"fqn": ("shop", "staging", "deep", "total")},
        "checked": {"fqn": ("shop", "staging", "checked")},
        "aside": {"fqn": ("shop", "staging", "aside")},
    }
    artifacts = shop(policies=below)
    assert arguments_for_nodes(artifacts, {ORDERS, ASIDE}) == [
        *("--select", "fqn:shop.staging", "fqn:shop.staging.aside"),
        *("--exclude", "fqn:shop.staging.checked", "fqn:shop.staging.deep.total"),
        *ONLY,
    ]


def test_a_name_that_only_begins_alike_is_not_excluded(shop: Shop) -> None:
    artifacts = shop(policies={"total": {"fqn": ("shop", "orders_total")}})
    assert arguments_for_nodes(artifacts, {ORDERS}) == ["--select", "fqn:shop.orders", *ONLY]


def test_a_node_with_the_name_of_its_package_takes_all_of_that(shop: Shop) -> None:
    artifacts = shop(
        policies={name: {"fqn": ("other", name)} for name in ("raw", "checked", "total_checked")}
        | {"orders": {"fqn": ("shop",)}}
    )
    assert arguments_for_nodes(artifacts, {ORDERS}) == [
        *("--select", "fqn:shop"),
        *("--exclude", "fqn:shop.aside", "fqn:shop.total"),
        *ONLY,
    ]
