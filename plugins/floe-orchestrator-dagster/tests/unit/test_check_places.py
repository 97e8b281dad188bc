from __future__ import annotations

from dagster import AssetCheckKey, AssetKey

from floe_orchestrator_dagster.names.asset_map import asset_map_of


def checks(artifacts):
    return dict(asset_map_of(artifacts).check_keys)


def test_a_test_is_a_check_of_what_dbt_says_it_tests(node, product):
    shop = product(
        node("source", "raw", source_name="erp"),
        node("model", "orders"),
        node("test", "unique_orders_id", tested="model.shop.orders"),
        node("test", "not_null_raw_id", tested="source.shop.erp.raw"),
        node("unit_test", "adds_up", tested="model.shop.orders"),
    )
    assert checks(shop) == {
        "test.shop.unique_orders_id": AssetCheckKey(AssetKey(["orders"]), "unique_orders_id"),
        "test.shop.not_null_raw_id": AssetCheckKey(
            AssetKey(["erp", "raw"]), "web_shop__not_null_raw_id"
        ),
        "unit_test.shop.adds_up": AssetCheckKey(AssetKey(["orders"]), "adds_up"),
    }


def test_a_test_of_several_models_is_a_check_of_the_last_one_built(node, product):
    shop = product(
        node("model", "z_first"),
        node("model", "a_last", depends_on=("model.shop.z_first",)),
        node("test", "agree", depends_on=("model.shop.a_last", "model.shop.z_first")),
    )
    assert checks(shop) == {"test.shop.agree": AssetCheckKey(AssetKey(["a_last"]), "agree")}


def test_meta_dagster_ref_names_the_model_of_a_test(node, product):
    shop = product(
        node("model", "first"),
        node("model", "last", depends_on=("model.shop.first",)),
        node(
            "test",
            "agree",
            depends_on=("model.shop.first", "model.shop.last"),
            meta={"dagster": {"ref": {"name": "first"}}},
        ),
    )
    assert checks(shop) == {"test.shop.agree": AssetCheckKey(AssetKey(["first"]), "agree")}


def test_a_test_without_parents_hangs_on_an_asset_of_the_product(node, product):
    shop = product(node("model", "orders"), node("test", "lonely"))
    assert checks(shop) == {
        "test.shop.lonely": AssetCheckKey(AssetKey(["web_shop", "tests"]), "lonely")
    }


def test_tests_of_one_name_on_one_asset_are_told_apart_by_their_ids(node, product):
    shop = product(
        node("model", "orders"),
        node("test", "sound", unique_id="test.shop.sound.1", tested="model.shop.orders"),
        node("test", "sound", unique_id="test.shop.sound.2", tested="model.shop.orders"),
    )
    assert [key.name for key in checks(shop).values()] == ["test_shop_sound_1", "test_shop_sound_2"]
