from __future__ import annotations

from collections.abc import Callable

import pytest
from dbt.graph.selector_methods import is_selected_node

from floe_core.dbt.selection import arguments_for_nodes
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

Shop = Callable[..., CompiledArtifacts]
ORDERS, TOTAL, ASIDE = "model.shop.orders", "model.shop.total", "model.shop.aside"
ONLY = ["--indirect-selection", "empty"]


def test_nodes_are_named_in_order_and_bring_no_tests_along(shop: Shop) -> None:
    assert arguments_for_nodes(shop(), {TOTAL, ASIDE}) == [
        *("--select", "fqn:shop.aside", "fqn:shop.total"),
        *ONLY,
    ]


def alone(kind: str, fqn: str, file: str, package: str = "shop") -> str:
    return f"fqn:{fqn},file:{file},package:{package},resource_type:{kind}"


def test_a_node_with_the_name_of_a_folder_is_told_from_what_lies_in_it(shop: Shop) -> None:
    below = {
        "orders": {"fqn": ("shop", "staging"), "path": "models/staging.sql"},
        "total": {"fqn": ("shop", "staging", "deep", "total")},
        "aside": {"fqn": ("shop", "staging", "aside")},
    }
    assert arguments_for_nodes(shop(policies=below), {ORDERS, ASIDE}) == [
        *("--select", alone("model", "shop.staging", "staging.sql"), "fqn:shop.staging.aside"),
        *ONLY,
    ]


def test_a_name_that_only_begins_alike_is_told_apart_by_itself(shop: Shop) -> None:
    artifacts = shop(policies={"total": {"fqn": ("shop", "orders_total")}})
    assert arguments_for_nodes(artifacts, {ORDERS}) == ["--select", "fqn:shop.orders", *ONLY]


def test_dots_in_the_name_of_another_model_are_folders_to_dbt(shop: Shop) -> None:
    policies = {
        "orders": {"path": "models/orders.sql"},
        "total": {"fqn": ("shop", "orders.total")},
    }
    assert arguments_for_nodes(shop(policies=policies), {ORDERS}) == [
        *("--select", alone("model", "shop.orders", "orders.sql"), *ONLY)
    ]


def test_a_test_with_the_name_of_a_model_is_told_apart(shop: Shop) -> None:
    policies = {
        "orders": {"path": "models/orders.sql"},
        "checked": {"fqn": ("shop", "orders"), "path": "tests/orders.sql"},
    }
    assert arguments_for_nodes(shop(policies=policies), {ORDERS}) == [
        *("--select", alone("model", "shop.orders", "orders.sql"), *ONLY)
    ]


def test_a_folder_with_the_name_of_the_package_does_not_hide_which_is_meant(shop: Shop) -> None:
    policies = {
        "orders": {"path": "models/orders.sql"},
        "total": {"fqn": ("shop", "shop", "orders", "total")},
    }
    assert arguments_for_nodes(shop(policies=policies), {ORDERS}) == [
        *("--select", alone("model", "shop.orders", "orders.sql"), *ONLY)
    ]


def test_versions_of_two_packages_are_told_apart(shop: Shop) -> None:
    policies = {
        "orders": {"fqn": ("shop", "dim", "v1"), "version": "1", "path": "models/dim_v1.sql"},
        "total": {"fqn": ("other", "a", "dim", "v1"), "version": "1", "package": "other"},
    }
    assert arguments_for_nodes(shop(policies=policies), {ORDERS}) == [
        *("--select", alone("model", "shop.dim.v1", "dim_v1.sql"), *ONLY)
    ]


@pytest.mark.parametrize(
    ("folder", "written"),
    [
        ("two words", "two[!!-~]words"),
        ("a,b", "a[+--]b"),
        ("[old]", "[[]old[]]"),
        ("c++", "c[+][+]"),
        ("what?*", "what[?][*]"),
    ],
)
def test_what_dbt_does_not_read_as_part_of_a_name_is_matched(
    folder: str, written: str, shop: Shop
) -> None:
    artifacts = shop(policies={"orders": {"fqn": ("shop", folder, "orders")}})
    [_, word, *_] = arguments_for_nodes(artifacts, {ORDERS})
    assert word == f"fqn:shop.{written}.orders"
    assert not {" ", ","} & set(word)
    assert is_selected_node(["shop", folder, "orders"], word.removeprefix("fqn:"), False)
    assert not is_selected_node(["shop", "other", "orders"], word.removeprefix("fqn:"), False)
