"""A product among a team's own assets: merged, translated, partitioned, conditioned."""

from __future__ import annotations

import json

import dagster as dg
import duckdb
import pytest

from floe_core.foundation.errors import InvalidProductError
from floe_core.storage.spooling.spool import Spool
from floe_orchestrator_dagster import floe_assets, load_product_definitions
from floe_orchestrator_dagster.definitions.product_definitions import definitions_of

PRODUCER = {
    "models/orders.sql": "select 1 as id, 250 as cents",
    "models/schema.yml": "models: [{name: orders, columns: [{name: id, data_tests: [unique]}]}]\n",
}
SPEC = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: web-shop, version: 1.0.0, owner: data@example.com}
platform: {manifest: manifest.yaml}
"""
SOURCE_OF_ANOTHER = """\
sources:
  - name: shop
    schema: main
    tables:
      - name: orders
        config: {meta: {dagster: {asset_key: [orders]}}}
        columns: [{name: id, data_tests: [unique]}]
"""
CONSUMER = {
    "models/big_orders.sql": "select id from {{ source('shop', 'orders') }} where cents > 100",
    "models/raw_ids.sql": "select id from {{ source('erp', 'raw') }}",
    "models/sources.yml": SOURCE_OF_ANOTHER
    + """\
  - name: erp
    schema: main
    tables:
      - name: raw
        columns: [{name: id, data_tests: [not_null]}]
""",
}
BUILT = dg.DagsterEventType.ASSET_MATERIALIZATION
CHECKED = dg.DagsterEventType.ASSET_CHECK_EVALUATION
RAW = dg.AssetKey(["erp", "raw"])


def run(definitions, *, selection=None, job="together", **more):
    """Return the result of a run of some assets and all their checks, in this process."""
    chosen = selection or dg.AssetSelection.all()
    merged = dg.Definitions.merge(
        definitions, dg.Definitions(jobs=[dg.define_asset_job(job, selection=chosen)])
    )
    return merged.resolve_job_def(job).execute_in_process(raise_on_error=False, **more)


def order_of(result):
    """Return what the run built and checked, in the order of its events."""
    return [
        event.asset_key.to_user_string()
        if event.event_type is BUILT
        else event.event_specific_data.check_name
        for event in result.all_events
        if event.event_type in (BUILT, CHECKED)
    ]


def ingestion_into(artifacts):
    @dg.asset(key=RAW)
    def ingest() -> None:
        file = artifacts.project_dir / "web_shop.duckdb"
        with duckdb.connect(str(file)) as warehouse:
            warehouse.execute("create or replace table raw as select 7 as id")
            warehouse.execute("create or replace table orders as select 1 as id, 250 as cents")

    return ingest


@pytest.fixture(scope="module")
def consumer(compiled):
    return compiled(CONSUMER)


def load(artifacts, **more):
    return load_product_definitions(artifacts.product.name, artifacts.project_dir, **more)


def test_an_asset_that_makes_a_source_is_merged_and_runs_before_the_product(consumer):
    ingest = dg.Definitions(assets=[ingestion_into(consumer)])
    result = run(dg.Definitions.merge(load(consumer), ingest))
    order = order_of(result)
    assert result.success
    assert order[0] == "erp/raw"
    assert sorted(order[1:]) == [
        "big_orders",
        "raw_ids",
        "web_shop__source_not_null_erp_raw_id",
    ]


def test_the_checks_of_a_source_wait_for_it_even_where_no_model_reads_it(compiled):
    untouched = compiled({"models/sources.yml": CONSUMER["models/sources.yml"]})
    definitions = dg.Definitions.merge(
        load(untouched), dg.Definitions(assets=[ingestion_into(untouched)])
    )
    result = run(definitions)
    assert (result.success, order_of(result)[0]) == (True, "erp/raw")


def test_products_of_one_source_are_merged_tests_of_it_and_all(consumer):
    other = consumer.model_copy(
        update={
            "product": consumer.product.model_copy(update={"name": "other-shop"}),
            "jobs": tuple(job.model_copy(update={"name": "other-shop"}) for job in consumer.jobs),
        }
    )
    renamed = definitions_of(other, lambda node, spec: prefixed(node, spec, "other"))
    merged = dg.Definitions.merge(load(consumer), renamed)
    graph = merged.resolve_asset_graph()
    assert {key.to_user_string(): set(names_of(graph.get(key).child_keys)) for key in (RAW,)} == {
        "erp/raw": {"raw_ids", "other/raw_ids"}
    }
    assert {key.name for key in graph.asset_check_keys if key.asset_key == RAW} == {
        "web_shop__source_not_null_erp_raw_id",
        "other_shop__source_not_null_erp_raw_id",
    }
    assert {"web_shop", "other_shop"} <= set(merged.get_repository_def().job_names)


def prefixed(node, spec, prefix):
    if node.resource_type == "source":
        return spec
    return spec.replace_attributes(key=spec.key.with_prefix(prefix))


def names_of(keys):
    return sorted(key.to_user_string() for key in keys)


def test_a_product_that_reads_anothers_model_is_merged_and_runs_after_it(compiled, tmp_path):
    shared = manifest_of(tmp_path / "shared.duckdb")
    producer = compiled({**PRODUCER, "manifest.yaml": shared})
    reader = compiled(
        {
            "models/big_orders.sql": "select id from {{ source('shop', 'orders') }}",
            "models/sources.yml": SOURCE_OF_ANOTHER,
            "manifest.yaml": shared,
            "floe.yaml": SPEC.replace("web-shop", "reader"),
        }
    )
    result = run(dg.Definitions.merge(load(reader), load(producer)))
    assert result.success
    assert set(order_of(result)[:2]) == {"orders", "unique_orders_id"}
    assert set(order_of(result)[2:]) == {"big_orders", "reader__source_unique_shop_orders_id"}


def manifest_of(warehouse):
    return (
        "apiVersion: floe.dev/v1\nkind: Manifest\n"
        "metadata: {name: test-platform, version: 1.0.0, owner: platform@example.com}\n"
        "plugins:\n  orchestrator: {type: dagster}\n"
        f"  compute: {{type: duckdb, config: {{path: {warehouse}}}}}\n"
    )


@pytest.fixture(scope="module")
def split(compiled):
    """A product with an asset of somebody else's between two of its models."""
    return compiled(
        {
            "models/first.sql": "select 1 as id",
            "models/last.sql": "select id * 10 as id from {{ source('python', 'doubled') }}",
            "models/aside.sql": "select id from {{ ref('first') }}",
            "models/sources.yml": """\
sources: [{name: python, schema: main, tables: [{name: doubled}]}]
models: [{name: last, columns: [{name: id, data_tests: [unique]}]}]
""",
        }
    )


def with_doubled(split):
    @dg.asset(key=["python", "doubled"], deps=["first"])
    def doubled() -> None:
        with duckdb.connect(str(split.project_dir / "web_shop.duckdb")) as warehouse:
            warehouse.execute("create or replace table doubled as select id * 2 as id from first")

    return dg.Definitions.merge(load(split), dg.Definitions(assets=[doubled]))


def test_python_between_two_models_runs_between_them(split):
    definitions = with_doubled(split)
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(definitions, instance=instance)
        order = order_of(result)
    assert result.success
    assert order.index("first") < order.index("python/doubled") < order.index("last")
    assert sorted(order) == ["aside", "first", "last", "python/doubled", "unique_last_id"]
    with duckdb.connect(str(split.project_dir / "web_shop.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute("from last").fetchall() == [(20,)]
    steps = [event.step_key for event in result.all_events if event.is_step_start]
    assert steps == ["web_shop__dbt_build", "python__doubled", "web_shop__dbt_build_2"]


def test_the_parameters_of_a_run_hold_for_each_of_its_steps(compiled):
    told = "'{{ flags.FULL_REFRESH }}' as refreshed"
    split = compiled(
        {
            "models/first.sql": f"select 1 as id, {told}",
            "models/last.sql": f"select id, {told} from {{{{ source('python', 'doubled') }}}}",
            "models/aside.sql": "select 1 as id",
            "models/sources.yml": "sources: [{name: python, schema: main, tables: [{name: doubled}]}]",
        }
    )
    step = {"config": {"full_refresh": True, "exclude": "aside"}}
    config = {"ops": {"web_shop__dbt_build": step}}
    with dg.DagsterInstance.ephemeral() as instance:
        job = with_doubled(split).resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(run_config=config, instance=instance)
    assert order_of(result) == ["first", "python/doubled", "last"]
    with duckdb.connect(str(split.project_dir / "web_shop.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute("select refreshed from first").fetchall() == [("True",)]
        assert warehouse.execute("select refreshed from last").fetchall() == [("True",)]


def test_each_step_of_a_run_is_a_lineage_run_of_its_own(split, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    tags = {"floe/nominal_time": "2026-01-05T06:00:00+00:00"}
    with dg.DagsterInstance.ephemeral() as instance:
        assert run(with_doubled(split), instance=instance, tags=tags).success
    events = [json.loads(path.read_text()) for path in Spool(split.project_dir).list_waiting()]
    of_product = [event for event in events if event["job"]["name"] == "web-shop"]
    types = [event["eventType"] for event in of_product]
    runs = [event["run"]["runId"] for event in of_product]
    assert types == ["START", "COMPLETE", "START", "COMPLETE"]
    assert (runs[0], runs[2]) == (runs[1], runs[3])
    assert runs[0] != runs[2]


def test_a_product_of_tests_alone_runs(compiled):
    only_tests = compiled({"tests/sound.sql": "select 1 where false"})
    job = load(only_tests).resolve_job_def("web_shop")
    result = job.execute_in_process(raise_on_error=False)
    assert (result.success, order_of(result)) == (True, ["sound"])


@pytest.fixture(scope="module")
def daily(compiled):
    """A product whose model tells what dbt was given."""
    return compiled(
        {
            "models/told.sql": (
                "{{ config(materialized='incremental') }} select '{{ var(\"floe_range_start\") }}' "
                "as a, '{{ var(\"floe_range_end\") }}' as b, '{{ var(\"floe_nominal_time\") }}' as c"
            ),
        }
    )


DAYS = dg.DailyPartitionsDefinition("2026-03-27", timezone="Europe/Berlin")


def told(artifacts):
    with duckdb.connect(str(artifacts.project_dir / "web_shop.duckdb")) as warehouse:
        rows = warehouse.execute("from told").fetchall()
        warehouse.execute("delete from told")
    return rows


def partitioned(node, spec):
    return spec.replace_attributes(partitions_def=DAYS)


def test_a_partition_reaches_dbt_as_its_range(daily):
    assets = floe_assets(daily.project_dir, translate=partitioned)
    result = dg.materialize([assets], partition_key="2026-03-29")
    [built] = result.get_asset_materialization_events()
    # The day on which clocks go forward has 23 hours.
    start, end = "2026-03-28T23:00:00+00:00", "2026-03-29T22:00:00+00:00"
    assert (built.partition, told(daily)) == ("2026-03-29", [(start, end, end)])


def test_a_range_of_partitions_in_one_run_reaches_dbt_as_one_range(daily):
    policy = dg.BackfillPolicy.single_run()
    assets = floe_assets(daily.project_dir, translate=partitioned, backfill_policy=policy)
    tags = {
        "dagster/asset_partition_range_start": "2026-03-27",
        "dagster/asset_partition_range_end": "2026-03-29",
    }
    result = dg.materialize([assets], tags=tags)
    built = [event.partition for event in result.get_asset_materialization_events()]
    start, end = "2026-03-26T23:00:00+00:00", "2026-03-29T22:00:00+00:00"
    assert built == ["2026-03-27", "2026-03-28", "2026-03-29"]
    assert told(daily) == [(start, end, end)]


def test_partitions_may_be_given_to_a_loaded_product(daily):
    definitions = load(daily).map_asset_specs(
        func=lambda spec: spec.replace_attributes(partitions_def=DAYS)
    )
    job = definitions.resolve_job_def("web_shop")
    assert job.execute_in_process(partition_key="2026-03-28").success
    start, end = "2026-03-27T23:00:00+00:00", "2026-03-28T23:00:00+00:00"
    assert told(daily) == [(start, end, end)]


def test_the_partition_of_a_partitioned_asset_upstream_reaches_an_unpartitioned_product(daily):
    @dg.asset(partitions_def=DAYS)
    def ingest() -> None:
        pass

    def after(node, spec):
        return spec.merge_attributes(deps=["ingest"])

    definitions = dg.Definitions(assets=[ingest, floe_assets(daily.project_dir, translate=after)])
    assert run(definitions, partition_key="2026-03-28").success
    start, end = "2026-03-27T23:00:00+00:00", "2026-03-28T23:00:00+00:00"
    assert told(daily) == [(start, end, end)]


def test_partitions_that_are_no_time_give_dbt_no_range_and_a_warning(daily):
    regions = dg.StaticPartitionsDefinition(["north", "south"])
    assets = floe_assets(
        daily.project_dir,
        translate=lambda node, spec: spec.replace_attributes(partitions_def=regions),
    )
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([assets], partition_key="north", instance=instance)
        logged = [entry.message for entry in instance.all_logs(result.run_id)]
    assert told(daily) == [("", "", "")]
    assert [text for text in logged if "no time dimension" in text] != []


def test_translate_changes_keys_groups_and_the_dependencies_with_them(consumer):
    assets = floe_assets(
        consumer.project_dir,
        translate=lambda node, spec: spec.replace_attributes(
            key=spec.key.with_prefix("eu"), group_name=f"{node.resource_type}s"
        ),
    )
    specs = {spec.key.to_user_string(): spec for spec in assets.specs}
    assert {
        name: (spec.group_name, names_of(dep.asset_key for dep in spec.deps))
        for name, spec in specs.items()
    } == {
        "eu/big_orders": ("models", ["eu/orders"]),
        "eu/raw_ids": ("models", ["eu/erp/raw"]),
    }
    assert names_of({key.asset_key for key in assets.check_keys}) == ["eu/erp/raw", "eu/orders"]


def test_translated_assets_run_in_jobs_and_schedules_of_floe_yaml(compiled):
    shop = compiled(PRODUCER, floe="schedule: {cron: '0 6 * * *', timezone: UTC}\n")
    definitions = load(shop, translate=lambda node, spec: prefixed(node, spec, "eu"))
    result = definitions.resolve_job_def("web_shop").execute_in_process()
    assert set(order_of(result)) == {"eu/orders", "unique_orders_id"}
    assert [schedule.job_name for schedule in definitions.schedules] == ["web_shop"]


def test_what_translate_returns_must_be_a_spec(consumer):
    with pytest.raises(InvalidProductError) as caught:
        floe_assets(consumer.project_dir, translate=lambda node, spec: None)
    assert str(caught.value).partition("\n")[0] == (
        "translate returned None for source.shop.shop.orders"
    )


def test_one_key_for_two_translated_assets_is_refused(consumer):
    key = dg.AssetKey("same")
    with pytest.raises(InvalidProductError) as caught:
        floe_assets(
            consumer.project_dir,
            translate=lambda node, spec: spec.replace_attributes(key=key),
        )
    assert "have the same Dagster asset key, same" in str(caught.value)


ORDERS_AND_SUMS = {
    "models/orders.sql": "select 1 as id",
    "models/sums.sql": "select id from {{ ref('orders') }}",
    "models/aside.sql": "select 1 as id",
}


def plain_assets(condition):
    """The same graph as `@asset`s, to know what Dagster makes of a condition."""

    @dg.asset(automation_condition=condition)
    def orders() -> None: ...

    @dg.asset(automation_condition=condition, deps=[orders])
    def sums() -> None: ...

    @dg.asset(automation_condition=condition)
    def aside() -> None: ...

    return [orders, sums, aside]


@pytest.mark.parametrize(
    "condition", [dg.AutomationCondition.eager(), dg.AutomationCondition.missing()]
)
def test_automation_conditions_ask_for_what_they_ask_for_of_plain_assets(compiled, condition):
    shop = compiled(ORDERS_AND_SUMS)
    ours = floe_assets(
        shop.project_dir,
        translate=lambda node, spec: spec.replace_attributes(automation_condition=condition),
    )
    asked = what_is_due([ours])
    assert asked == what_is_due(plain_assets(condition))
    assert any(asked)


def what_is_due(assets):
    """Return what the conditions ask for at first, after a whole run, and after one of orders."""
    definitions, cursor, found = dg.Definitions(assets=assets), None, []
    with dg.DagsterInstance.ephemeral() as instance:
        for selection in (None, "*", "orders"):
            if selection:
                dg.materialize(assets, selection=selection, instance=instance)
            said = dg.evaluate_automation_conditions(definitions, instance, cursor=cursor)
            cursor = said.cursor
            found.append({r.key.path[-1] for r in said.results if r.true_subset.size})
    return found
