"""A team's `DagsterDbtTranslator` decides as under `@dbt_assets`: dagster-dbt is the oracle."""

from __future__ import annotations

import dagster as dg
import pytest
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    build_dbt_asset_selection,
    build_freshness_checks_from_dbt_assets,
    build_schedule_from_dbt_selection,
    dbt_assets,
    get_asset_key_for_model,
    get_asset_keys_by_output_name_for_source,
)

from floe_core.foundation.errors import InvalidProductError, UsageError
from floe_orchestrator_dagster import floe_assets

DAILY = dg.DailyPartitionsDefinition(start_date="2026-01-01")
FILES = {
    "seeds/countries.csv": "id,name\n1,Norway\n",
    "models/schema.yml": """\
groups: [{name: finance, owner: {email: money@example.com, name: Money}}]
sources:
  - name: erp
    schema: main
    tables:
      - {name: raw, description: From the ERP., columns: [{name: id, data_tests: [not_null]}]}
      - {name: other}
models:
  - name: orders
    description: One row for each order.
    config:
      tags: [nightly]
      group: finance
      meta:
        dagster:
          group: sales
          owners: [a@example.com]
          freshness_check: {lower_bound_delta_seconds: 3600, deadline_cron: "0 0 * * *"}
    columns:
      - {name: id, description: The key., data_type: integer, data_tests: [unique, not_null]}
  - name: totals
    config: {schema: marts, group: finance, meta: {dagster: {asset_key: [gold, totals]}}}
    columns:
      - name: id
        data_tests:
          - relationships: {arguments: {to: ref('orders'), field: id}, config: {severity: warn}}
  - name: running
    config: {meta: {dagster: {has_self_dependency: true}}}
  - name: ver
    latest_version: 2
    versions: [{v: 1}, {v: 2}]
unit_tests:
  - name: orders_have_ids
    model: orders
    given:
      - {input: ref('ids'), rows: [{id: 7}]}
      - {input: "source('erp', 'other')", rows: [{id: 7}]}
    expect: {rows: [{id: 7}]}
""",
    "models/ids.sql": "{{ config(materialized='ephemeral') }} select id from {{ source('erp', 'raw') }}",
    "models/orders.sql": "select id from {{ ref('ids') }} join {{ source('erp', 'other') }} using (id)",
    "models/staging/totals.sql": "select id, 1 as n from {{ ref('orders') }} join {{ ref('countries') }} using (id)",
    "models/running.sql": "select id from {{ ref('orders') }}",
    "models/ver_v1.sql": "{{ config(materialized='view') }} select * from {{ ref('orders') }}",
    "models/ver_v2.sql": "select * from {{ ref('totals') }}",
    "models/off.sql": "{{ config(enabled=false) }} select 1",
    "snapshots/kept.sql": """\
{% snapshot kept %}{{ config(unique_key='id', strategy='check', check_cols='all', target_schema='s') }}
select * from {{ ref('orders') }}{% endsnapshot %}
""",
    "tests/one_parent.sql": "select 1 from {{ ref('orders') }} where false",
    "tests/both.sql": "select 1 from {{ ref('orders') }}, {{ ref('totals') }} where false",
    "tests/named.sql": """\
{{ config(meta={'dagster': {'ref': {'name': 'totals'}}}) }}
select 1 from {{ ref('orders') }}, {{ ref('totals') }} where false
""",
}


class EveryMethod(DagsterDbtTranslator):
    """Overrides all that can be overridden."""

    def get_asset_key(self, props):
        return super().get_asset_key(props).with_prefix("lake")

    def get_description(self, props):
        return f"about {props['name']}"

    def get_metadata(self, props):
        return {**super().get_metadata(props), "folder": props["original_file_path"]}

    def get_tags(self, props):
        return {"layer": "gold", **dict.fromkeys(props["tags"], "")}

    def get_group_name(self, props):
        return props["fqn"][1] if len(props["fqn"]) > 2 else "top"

    def get_code_version(self, props):
        return f"v-{len(props.get('raw_code') or '')}"

    def get_owners(self, props):
        return ["team:data", *(super().get_owners(props) or [])]

    def get_automation_condition(self, props):
        return dg.AutomationCondition.eager() if props["name"] == "totals" else None

    def get_partitions_def(self, props):
        return DAILY if props["resource_type"] == "model" else None

    def get_partition_mapping(self, props, parent):
        return (
            dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
            if props == parent
            else None
        )

    def get_asset_spec(self, manifest, unique_id, project):
        spec = super().get_asset_spec(manifest, unique_id, project)
        return spec.merge_attributes(kinds={"table"})

    def get_asset_check_spec(self, asset_spec, manifest, unique_id, project):
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec and spec.with_metadata({**spec.metadata, "asked": "yes"})


def with_settings(**settings):
    return DagsterDbtTranslator(DagsterDbtTranslatorSettings(**settings))


TRANSLATORS = {
    "default": DagsterDbtTranslator,
    "every method": EveryMethod,
    "no checks": lambda: with_settings(enable_asset_checks=False),
    "source tests": lambda: with_settings(enable_source_tests_as_checks=True),
    "no source metadata": lambda: with_settings(enable_source_metadata=False),
    "virtual views": lambda: with_settings(enable_dbt_views_as_virtual_assets=True),
    "both": lambda: EveryMethod(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True)),
}


def of_dagster_dbt(artifacts, translator, **more):
    @dbt_assets(
        manifest=artifacts.project_dir / "target" / "manifest.json",
        dagster_dbt_translator=translator,
        name="oracle",
        **more,
    )
    def oracle(context): ...

    return oracle


def compared(assets):
    """Return all that Dagster knows of a definition's assets and checks, without orders of sets."""
    return (
        {
            spec.key: spec.replace_attributes(deps=sorted(spec.deps, key=lambda dep: dep.asset_key))
            for spec in assets.specs
        },
        {spec.key: comparable(spec) for spec in assets.check_specs},
        # `multi_asset` adds inputs for what it builds itself, which `floe_assets` does not need.
        {key for name, key in assets.keys_by_input_name.items() if "__subset_input__" not in name},
    )


def comparable(check):
    return (
        check.description,
        {dep.asset_key for dep in check.additional_deps},
        check.metadata,
        check.blocking,
        check.automation_condition,
        check.partitions_def,
    )


@pytest.fixture(scope="module")
def shop(compiled):
    return compiled(FILES)


@pytest.fixture(scope="module")
def product(request, shop, example):
    return shop if request.param == "shop" else example(request.param)


@pytest.mark.parametrize("name", TRANSLATORS)
@pytest.mark.parametrize("product", ["shop", "hello", "customer-360"], indirect=True)
def test_a_translators_assets_and_checks_are_those_of_dagster_dbt(product, name):
    translator = TRANSLATORS[name]()
    own = floe_assets(product.project_dir, translator=translator)
    oracle = of_dagster_dbt(product, translator)
    assert compared(own) == compared(oracle)
    assert len(own.specs_by_key) > 2


@pytest.mark.parametrize(
    "selection",
    [
        {"select": "tag:nightly"},
        {"select": "orders+", "exclude": "totals"},
        {"select": "staging"},
        {"exclude": "config.materialized:snapshot"},
    ],
)
def test_a_selection_is_that_of_dagster_dbt(shop, selection):
    translator = EveryMethod()
    own = floe_assets(shop.project_dir, translator=translator, name="part", **selection)
    assert compared(own) == compared(of_dagster_dbt(shop, translator, **selection))
    # The second time from what the first time kept.
    again = floe_assets(shop.project_dir, translator=translator, name="part", **selection)
    assert compared(again) == compared(own)


def test_code_references_are_those_of_dagster_dbt(shop):
    from dagster_dbt import DbtProject

    translator = with_settings(enable_code_references=True)
    own = floe_assets(shop.project_dir, translator=translator)
    oracle = of_dagster_dbt(shop, translator, project=DbtProject(shop.project_dir))

    def references(assets):
        return {spec.key: spec.metadata["dagster/code_references"] for spec in assets.specs}

    assert references(own) == references(oracle)


class Raises(DagsterDbtTranslator):
    def get_group_name(self, props):
        return props["meta"]["team"]


def test_a_translator_that_raises_is_one_error_with_each_node_and_the_line_at_fault(compiled):
    shop = compiled(
        {
            "models/a.sql": "select 1 as id",
            "models/below.sql": "select * from {{ ref('a') }}",
            "models/more/b.sql": "{{ config(meta={'team': 'x'}) }} select 1 as id",
            "models/more/c.sql": "select 1 as id",
        }
    )
    line = Raises.get_group_name.__code__.co_firstlineno + 1
    with pytest.raises(InvalidProductError) as raised:
        floe_assets(shop.project_dir, translator=Raises())
    assert str(raised.value) == (
        f"models/a.sql: Raises raised KeyError: 'team' for model.shop.a, at {__file__}:{line}\n"
        "fix: correct the translator, or the node's meta or config\n\n"
        f"models/more/c.sql: Raises raised KeyError: 'team' for model.shop.c, at {__file__}:{line}\n"
        "fix: correct the translator, or the node's meta or config"
    )


def test_what_is_no_translator_is_refused(shop):
    with pytest.raises(InvalidProductError, match="not a DagsterDbtTranslator\nfix: pass an inst"):
        floe_assets(shop.project_dir, translator=DagsterDbtTranslator)
    with pytest.raises(UsageError, match="either translate or translator"):
        floe_assets(
            shop.project_dir, translator=DagsterDbtTranslator(), translate=lambda node, spec: spec
        )
    with pytest.raises(InvalidProductError, match="op_tags has dagster_dbt/select\nfix: use sel"):
        floe_assets(shop.project_dir, op_tags={"dagster_dbt/select": "orders"})


def test_two_nodes_with_one_key_are_refused_except_sources_where_the_settings_allow_it(compiled):
    class Same(DagsterDbtTranslator):
        def get_asset_key(self, props):
            return (
                dg.AssetKey("raw")
                if props["resource_type"] == "source"
                else super().get_asset_key(props)
            )

    files = {
        name: text for name, text in FILES.items() if "orders" not in text and "kept" not in name
    }
    files["models/schema.yml"] = (
        "sources: [{name: erp, schema: main, tables: [{name: raw}, {name: other}]}]"
    )
    files["models/both.sql"] = (
        "select * from {{ source('erp', 'raw') }}, {{ source('erp', 'other') }}"
    )
    shop = compiled({name: text for name, text in files.items() if "ver" not in name})
    with pytest.raises(
        InvalidProductError, match=r"source\.shop\.erp\.other and source\.shop\.erp\.raw"
    ):
        floe_assets(shop.project_dir, translator=Same())
    allowed = Same(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))
    own = floe_assets(shop.project_dir, translator=allowed)
    assert compared(own) == compared(of_dagster_dbt(shop, allowed))


def test_code_versions_without_a_translator_are_those_of_dagster_dbt(shop):
    oracle = of_dagster_dbt(shop, DagsterDbtTranslator())
    own = floe_assets(shop.project_dir)
    versions = {spec.key: spec.code_version for spec in oracle.specs}
    assert {spec.key: spec.code_version for spec in own.specs} == versions
    assert all(versions.values())


@pytest.mark.parametrize("translator", [None, DagsterDbtTranslator(), EveryMethod()])
def test_the_helpers_of_dagster_dbt_work_on_its_assets(shop, translator):
    own = floe_assets(shop.project_dir, translator=translator, exclude="resource_type:unit_test")
    oracle = of_dagster_dbt(
        shop, translator or DagsterDbtTranslator(), exclude="resource_type:unit_test"
    )

    def helped(assets):
        selection = build_dbt_asset_selection([assets], "tag:nightly", "ver")
        schedule = build_schedule_from_dbt_selection([assets], "nightly", "0 6 * * *", "orders+")
        definitions = dg.Definitions(assets=[assets], schedules=[schedule])
        job = definitions.resolve_job_def("nightly")
        return (
            get_asset_key_for_model([assets], "totals"),
            get_asset_key_for_model([assets], "countries"),
            get_asset_keys_by_output_name_for_source([assets], "erp"),
            selection.resolve([assets]),
            {key.asset_key for key in selection.resolve_checks([assets])},
            {key for each in job.asset_layer.asset_graph.assets_defs for key in each.keys},
            freshness_checks(assets),
        )

    assert helped(own) == helped(oracle)
    assert len(freshness_checks(own)) == 1


def freshness_checks(assets):
    made = build_freshness_checks_from_dbt_assets(dbt_assets=[assets])
    return [key for each in made for key in each.check_keys]


def test_a_source_of_one_table_has_its_key(example):
    hello = example("customer-360")
    own, oracle = floe_assets(hello.project_dir), of_dagster_dbt(hello, DagsterDbtTranslator())
    for name in ("dim_customers", "raw_orders"):
        assert get_asset_key_for_model([own], name) == get_asset_key_for_model([oracle], name)


def test_helpers_know_what_translate_made(shop):
    def translate(node, spec):
        return spec.replace_attributes(key=spec.key.with_prefix("mine"))

    own = floe_assets(shop.project_dir, translate=translate)
    assert get_asset_key_for_model([own], "orders") == dg.AssetKey(["mine", "orders"])
    assert get_asset_keys_by_output_name_for_source([own], "erp") == {
        "source_shop_erp_raw": dg.AssetKey(["mine", "erp", "raw"]),
        "source_shop_erp_other": dg.AssetKey(["mine", "erp", "other"]),
    }
    chosen = build_dbt_asset_selection([own], "countries").resolve([own])
    assert chosen == {dg.AssetKey(["mine", "countries"])}


def test_the_node_that_translate_receives_is_whole(shop):
    seen = {}

    def translate(node, spec):
        seen[node.unique_id] = node
        return spec

    floe_assets(shop.project_dir, translate=translate)
    orders = seen["model.shop.orders"]
    assert orders.raw_code == FILES["models/orders.sql"]
    assert (orders.config["group"], orders.original_file_path) == ("finance", "models/orders.sql")
    assert orders.properties["fqn"] == ["shop", "orders"]
    assert (orders.name, orders.tags) == ("orders", ("nightly",))
    assert seen["source.shop.erp.raw"].properties["description"] == "From the ERP."
    assert {node.original_file_path for node in seen.values()} >= {"seeds/countries.csv"}
