from __future__ import annotations

from dagster import AssetCheckSpec, AssetDep, AssetKey, AssetSpec, TableColumn, TableSchema

from floe_core.schemas.nodes import Column
from floe_orchestrator_dagster.definitions.product_definitions import definitions_of
from floe_orchestrator_dagster.names.asset_map import asset_map_of


def test_a_spec_holds_all_that_the_project_says(node, product):
    orders = node(
        "model",
        "orders",
        path="models/orders.sql",
        database="shop",
        schema_name="main",
        materialization="table",
        depends_on=("source.shop.erp.raw",),
        tags=("daily", "not valid!"),
        description="All orders.",
        group="sales team",
        owners=("sales@example.com", "nobody in particular", "team:sales"),
        columns=(Column(name="id", type="integer", description="The key."), Column(name="at")),
        tier="gold",
        compute="duckdb",
        checksum="abc",
    )
    shop = product(orders, node("source", "raw", source_name="erp"))
    assert list(dict(asset_map_of(shop).specs).values()) == [
        AssetSpec(
            key=AssetKey(["orders"]),
            deps=[AssetDep(AssetKey(["erp", "raw"]))],
            description="All orders.",
            skippable=True,
            group_name="sales_team",
            code_version="abc",
            owners=["sales@example.com", "team:sales"],
            tags={"daily": "", "floe/product": "web-shop", "floe/tier": "gold"},
            kinds={"dbt", "duckdb"},
            metadata={
                "floe/node": "model.shop.orders",
                "floe/path": "models/orders.sql",
                "floe/materialization": "table",
                "floe/tier": "gold",
                "floe/compute": "duckdb",
                "dagster/table_name": "shop.main.orders",
                "dagster/storage_kind": "duckdb",
                "dagster/column_schema": TableSchema(
                    columns=[
                        TableColumn("id", "integer", "The key."),
                        TableColumn("at", "?"),
                    ]
                ),
            },
        )
    ]


def test_meta_dagster_sets_group_and_owners(node, product):
    meta = {"dagster": {"group": "finance", "owners": ["team:finance"]}}
    shop = product(node("model", "orders", group="sales", owners=("a@example.com",), meta=meta))
    [spec] = dict(asset_map_of(shop).specs).values()
    assert (spec.group_name, spec.owners) == ("finance", ["team:finance"])


def test_an_asset_without_a_group_in_dbt_is_in_its_products(node, product):
    shop = product(node("model", "orders"))
    [spec] = dict(asset_map_of(shop).specs).values()
    assert spec.group_name == "web_shop"


def test_of_others_only_the_place_of_lonely_tests_is_defined(node, product):
    shop = product(
        node("source", "raw", source_name="erp"),
        node("source", "unread", source_name="erp"),
        node("model", "orders", depends_on=("source.shop.erp.raw",)),
        node("test", "lonely"),
    )
    defined = [a.key for a in definitions_of(shop).assets if isinstance(a, AssetSpec)]
    assert defined == [AssetKey(["web_shop", "tests"])]


def test_a_check_blocks_unless_it_only_warns_and_names_its_other_parents(node, product):
    shop = product(
        node("model", "customers"),
        node("model", "orders"),
        node(
            "test",
            "every_order_has_a_customer",
            tested="model.shop.orders",
            depends_on=("model.shop.customers", "model.shop.orders"),
            severity="warn",
            description="Orders need customers.",
        ),
        node("test", "unique_orders_id", tested="model.shop.orders", severity="error"),
    )
    assert [spec for _, spec in asset_map_of(shop).checks] == [
        AssetCheckSpec(
            "every_order_has_a_customer",
            asset=AssetKey(["orders"]),
            additional_deps=[AssetKey(["customers"])],
            description="Orders need customers.",
            metadata={"floe/node": "test.shop.every_order_has_a_customer"},
            blocking=False,
        ),
        AssetCheckSpec(
            "unique_orders_id",
            asset=AssetKey(["orders"]),
            metadata={"floe/node": "test.shop.unique_orders_id"},
            blocking=True,
        ),
    ]
