from __future__ import annotations

import pytest
from dagster import AssetKey

from floe_core.foundation.errors import InvalidProductError
from floe_orchestrator_dagster.names.asset_keys import key_of, key_problems


def test_a_node_without_a_custom_schema_is_known_by_its_name(node):
    assert key_of(node("model", "orders")) == AssetKey(["orders"])


def test_a_custom_schema_comes_before_the_name(node):
    orders = node("model", "orders", schema_config="marts", schema_name="main_marts")
    assert key_of(orders) == AssetKey(["marts", "orders"])


def test_a_source_is_known_by_its_source_and_its_own_name(node):
    raw = node("source", "orders", source_name="erp", identifier="t_orders", schema_name="raw")
    assert key_of(raw) == AssetKey(["erp", "orders"])


def test_a_versioned_model_is_known_by_its_alias_without_schema(node):
    orders = node("model", "orders", version="2", identifier="orders_v2", schema_config="marts")
    assert key_of(orders) == AssetKey(["orders_v2"])


@pytest.mark.parametrize(
    ("chosen", "path"), [(["a", "b"], ["a", "b"]), ("orders_of_mine", ["orders_of_mine"])]
)
def test_meta_dagster_asset_key_overrides_the_rest(node, chosen, path):
    orders = node("model", "orders", schema_config="marts", meta={"dagster": {"asset_key": chosen}})
    assert key_of(orders) == AssetKey(path)


def test_one_key_for_two_nodes_and_a_key_that_is_none_are_told_together(node):
    nodes = [
        node("model", "orders"),
        node("seed", "orders"),
        node("model", "bad", meta={"dagster": {"asset_key": [1]}}, path="models/bad.sql"),
    ]
    assert str(InvalidProductError(key_problems(nodes))) == (
        "models/bad.sql: model.shop.bad: meta.dagster.asset_key is [1]\n"
        "fix: write a list of texts, such as [raw, orders]\n"
        "\n"
        "model.shop.orders and seed.shop.orders have the same Dagster asset key, orders\n"
        "fix: give all but one another key with meta: {dagster: {asset_key: [...]}} in dbt"
    )
