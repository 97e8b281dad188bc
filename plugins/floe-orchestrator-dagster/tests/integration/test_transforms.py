from __future__ import annotations

import pytest
from dagster import AssetKey, Definitions, materialize

from floe_core.plugin_interfaces import TransformConfig
from floe_orchestrator_dagster import DagsterPlugin
from floe_orchestrator_dagster.dbt_resource import FloeDbtResource

STAGING = TransformConfig(
    "stg_people",
    path="models/stg_people.sql",
    schema_name="main",
    materialization="view",
    tags=["staging"],
    depends_on=["people"],
    meta={"owner": "data"},
    compute="duckdb",
)
GREETINGS = TransformConfig("greetings", materialization="", depends_on=["stg_people"])


def assets_from(*transforms):
    return DagsterPlugin().create_assets_from_transforms(list(transforms))


def test_each_transform_is_one_asset_in_the_order_given_with_its_dependencies():
    greetings, staging = assets_from(GREETINGS, STAGING)
    assert (staging.key, greetings.key) == (AssetKey(["stg_people"]), AssetKey(["greetings"]))
    assert set(staging.asset_deps[staging.key]) == {AssetKey(["people"])}
    assert set(greetings.asset_deps[greetings.key]) == {AssetKey(["stg_people"])}


def test_all_that_a_transform_says_is_readable():
    [staging] = assets_from(STAGING)
    spec = staging.get_asset_spec()
    assert spec.metadata == {
        "floe/transform": "stg_people",
        "floe/path": "models/stg_people.sql",
        "floe/schema": "main",
        "floe/materialization": "view",
        "floe/compute": "duckdb",
        "floe/tags": ["staging"],
        "floe/meta": {"owner": "data"},
    }
    assert spec.tags["staging"] == ""
    assert spec.kinds == {"dbt", "duckdb"}


def test_what_a_transform_does_not_say_is_absent():
    [greetings] = assets_from(GREETINGS)
    spec = greetings.get_asset_spec()
    assert spec.metadata == {"floe/transform": "greetings"}
    assert spec.kinds == {"dbt"}


@pytest.mark.parametrize(
    ("transforms", "message"),
    [
        (
            [TransformConfig("a", depends_on=["b"]), TransformConfig("b", depends_on=["a"])],
            "transforms depend on each other in a cycle: a -> b -> a",
        ),
        ([TransformConfig("a", depends_on=["a"])], "transform 'a' depends on itself"),
        (
            [TransformConfig("a"), TransformConfig("a")],
            "transform names must differ; given more than once: 'a'",
        ),
    ],
)
def test_a_graph_that_is_none_is_refused(transforms, message):
    with pytest.raises(ValueError) as caught:
        assets_from(*transforms)
    assert str(caught.value) == message


@pytest.fixture(scope="module")
def hello(example):
    return example("hello")


def test_assets_really_build_their_nodes_with_the_products_dbt_resource(hello, tables):
    dbt = FloeDbtResource(project_dir=str(hello.project_dir))
    people = TransformConfig("people")
    result = materialize(assets_from(people, STAGING, GREETINGS), resources={"dbt": dbt})
    assert result.success
    built = [m.asset_key.to_user_string() for m in result.asset_materializations_for_node("people")]
    assert built == ["people"]
    assert tables(hello) == {"people", "stg_people", "greetings"}


def test_a_transform_that_is_no_node_of_the_product_fails_with_the_nearest_names(hello):
    dbt = FloeDbtResource(project_dir=str(hello.project_dir))
    assets = assets_from(TransformConfig("greeting"))
    result = materialize(assets, resources={"dbt": dbt}, raise_on_error=False)
    [failure] = result.get_step_failure_events()
    assert failure.step_failure_data.user_failure_data.description == (
        "hello builds nothing named 'greeting'; it has greetings"
    )


NAMES = ["a b", "a-b", "a_b", "ünï", "a/b", "a.b", "class", "config", "1"]


def test_transforms_of_any_name_are_assets_of_that_name():
    transforms = [
        TransformConfig(name, depends_on=NAMES[:place], compute="my compute!", tags=["not valid!"])
        for place, name in enumerate(NAMES)
    ]
    definitions = Definitions(assets=assets_from(*transforms), resources={"dbt": None})
    graph = definitions.resolve_asset_graph()
    assert {
        key.path[-1]: len(graph.get(key).parent_keys) for key in graph.get_all_asset_keys()
    } == {name: place for place, name in enumerate(NAMES)}
