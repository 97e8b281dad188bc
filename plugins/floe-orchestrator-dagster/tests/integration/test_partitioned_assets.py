"""Partitions of floe.yaml in Dagster: its own event log tells what each run built."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import duckdb
import pytest
from dagster import (
    AssetKey,
    BackfillPolicy,
    DagsterEventType,
    DagsterInstance,
    build_schedule_context,
    materialize,
)

from floe_core.plugin_api.powers import RunOptions
from floe_core.runs.run_parameters import RunParameters
from floe_orchestrator_dagster import DagsterPlugin
from floe_orchestrator_dagster.loader import floe_assets, load_product_definitions

PARTITIONS = """\
partitions: {by: day, start: 2026-11-01, select: daily wide, vars: {day: start_date}}
"""
INCREMENTAL = "{{ config(materialized='incremental', unique_key='day') }} "
FILES = {
    "models/raw.sql": "select i as id, cast(date '2026-11-01' + cast(i % 9 as int) as date) as day from range(90) t(i)",
    "models/daily.sql": INCREMENTAL
    + "select day, count(*) as n from {{ ref('raw') }} where day = '{{ var(\"day\") }}' group by 1",
    "models/wide.sql": INCREMENTAL
    + "select day, n * 2 as n from {{ ref('daily') }} where day = '{{ var(\"day\") }}'",
    "models/total.sql": "select sum(n) as n from {{ ref('wide') }}",
    "models/schema.yml": "models: [{name: daily, columns: [{name: day, data_tests: [unique]}]}]",
}
FAILS_ON = "{{% if var('day') == '{day}' %}}select no_such_column{{% else %}}{sql}{{% endif %}}"
DAILY, WIDE = AssetKey(["daily"]), AssetKey(["wide"])
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def failing_on(day: str) -> dict[str, str]:
    config, _, sql = FILES["models/daily.sql"].partition("}} ")
    return {**FILES, "models/daily.sql": f"{config}}}}} {FAILS_ON.format(day=day, sql=sql)}"}


def job_of(artifacts):
    return load_product_definitions("web-shop", artifacts.project_dir).resolve_job_def("web_shop")


def days_in(artifacts, table):
    [file] = artifacts.project_dir.glob("*.duckdb")
    with duckdb.connect(str(file), read_only=True) as connection:
        found = connection.execute(f"select day from {table} order by day").fetchall()
    return [day.isoformat() for (day,) in found]


def materialized(instance, key):
    """Return the partitions that Dagster itself counts as materialized."""
    return sorted(instance.get_materialized_partitions(key))


def events_of(result, key):
    return [
        event.materialization
        for event in result.all_events
        if event.event_type == DagsterEventType.ASSET_MATERIALIZATION and event.asset_key == key
    ]


@pytest.fixture
def instance():
    with DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture(scope="module")
def product(compiled):
    return compiled(FILES, PARTITIONS)


def test_only_the_selected_assets_have_partitions(product):
    job = job_of(product)
    graph = job.asset_layer.asset_graph
    partitioned = {
        key.to_user_string()
        for key in graph.materializable_asset_keys
        if graph.get(key).partitions_def is not None
    }
    assert partitioned == {"daily", "wide"}
    assert job.partitions_def is not None
    assert job.partitions_def.get_first_partition_key() == "2026-11-01"


def test_a_run_of_a_partition_builds_it_alone_and_what_is_below_once(product, instance):
    done = job_of(product).execute_in_process(instance=instance, partition_key="2026-11-03")
    assert done.success
    assert days_in(product, "daily") == days_in(product, "wide") == ["2026-11-03"]
    assert materialized(instance, DAILY) == materialized(instance, WIDE) == ["2026-11-03"]
    [total] = events_of(done, AssetKey(["total"]))
    assert total.partition is None
    [daily] = events_of(done, DAILY)
    assert daily.partition == "2026-11-03"


def test_a_range_is_one_run_with_an_event_for_each_partition(compiled, instance):
    product = compiled(FILES, PARTITIONS)
    tags = dict(zip(RANGE, ("2026-11-02", "2026-11-05"), strict=True))
    done = job_of(product).execute_in_process(instance=instance, tags=tags)
    assert done.success
    days = [f"2026-11-0{n}" for n in (2, 3, 4, 5)]
    assert days_in(product, "daily") == materialized(instance, DAILY) == days
    assert [event.partition for event in events_of(done, DAILY)] == days
    assert all("Execution Duration" in event.metadata for event in events_of(done, DAILY))
    assert len(events_of(done, AssetKey(["total"]))) == 1


def test_a_failed_range_has_the_partitions_that_were_built(compiled, instance):
    product = compiled(failing_on("2026-11-03"), PARTITIONS)
    tags = dict(zip(RANGE, ("2026-11-02", "2026-11-04"), strict=True))
    done = job_of(product).execute_in_process(instance=instance, tags=tags, raise_on_error=False)
    assert not done.success
    assert days_in(product, "daily") == ["2026-11-02", "2026-11-04"]
    assert materialized(instance, DAILY) == ["2026-11-02", "2026-11-04"]
    assert materialized(instance, WIDE) == ["2026-11-02", "2026-11-04"]
    assert events_of(done, AssetKey(["total"])) == []


def test_a_partition_that_does_not_exist_fails_the_run_and_is_not_retried(compiled, instance):
    product = compiled(FILES, PARTITIONS + "execution: {retries: 1, retryDelaySeconds: 0}\n")
    config = {"ops": {"web_shop__dbt_build": {"config": {"partitions": "2026-10-31"}}}}
    done = job_of(product).execute_in_process(
        instance=instance, run_config=config, raise_on_error=False
    )
    [failure] = [each for each in done.all_events if each.is_step_failure]
    said = failure.step_failure_data.user_failure_data.description
    assert said == "partition 2026-10-31 is before the first partition, 2026-11-01"
    assert [each for each in done.all_events if each.is_step_up_for_retry] == []


def test_a_run_by_hand_without_a_partition_says_which_it_built(compiled, instance):
    product = compiled(FILES, PARTITIONS)
    config = {"ops": {"web_shop__dbt_build": {"config": {"partitions": "2026-11-06...2026-11-07"}}}}
    done = materialize([floe_assets(product.project_dir)], instance=instance, run_config=config)
    assert done.success
    assert days_in(product, "daily") == ["2026-11-06", "2026-11-07"]
    assert materialized(instance, DAILY) == ["2026-11-06", "2026-11-07"]


def test_a_run_whose_config_names_other_partitions_than_its_tags_is_refused(product, instance):
    config = {"ops": {"web_shop__dbt_build": {"config": {"partitions": "2026-11-06"}}}}
    done = job_of(product).execute_in_process(
        instance=instance,
        partition_key="2026-11-05",
        run_config=config,
        raise_on_error=False,
    )
    [failure] = [e for e in done.all_events if e.event_type == DagsterEventType.STEP_FAILURE]
    said = failure.step_failure_data.user_failure_data.description
    assert said == "the run is for partition 2026-11-05, and its config says 2026-11-06"


@pytest.mark.parametrize(
    ("lookback", "expected"),
    [
        (0, {"dagster/partition": "2026-11-09"}),
        (2, dict(zip(RANGE, ("2026-11-07", "2026-11-09"), strict=True))),
    ],
)
def test_a_tick_requests_the_newest_complete_partition(compiled, instance, lookback, expected):
    schedule = "schedule: {cron: '0 6 * * *', timezone: UTC}\n"
    declared = PARTITIONS.replace("by: day", f"by: day, lookback: {lookback}")
    product = compiled(FILES, declared + schedule)
    definitions = load_product_definitions("web-shop", product.project_dir)
    found = definitions.resolve_schedule_def("web_shop_schedule")
    moment = datetime(2026, 11, 10, 6, tzinfo=UTC)
    context = build_schedule_context(instance, scheduled_execution_time=moment)
    [request] = found.evaluate_tick(context).run_requests
    assert {name: request.tags[name] for name in expected} == expected
    assert not {"dagster/partition", *RANGE}.difference(expected) & request.tags.keys()


@pytest.mark.parametrize(
    ("by", "policy"),
    [
        ("tick", BackfillPolicy.multi_run(1)),
        ("range", BackfillPolicy.single_run()),
        ("30", BackfillPolicy.multi_run(30)),
    ],
)
def test_a_backfill_is_split_as_floe_yaml_says(compiled, by, policy):
    product = compiled(FILES, f"{PARTITIONS}execution: {{backfillBy: {by}}}\n")
    assert floe_assets(product.project_dir).backfill_policy == policy


def test_a_translator_may_choose_other_partitions(compiled):
    from dagster import MonthlyPartitionsDefinition

    monthly = MonthlyPartitionsDefinition("2026-01-01")
    product = compiled(FILES, PARTITIONS)
    assets = floe_assets(
        product.project_dir,
        translate=lambda node, spec: (
            spec.replace_attributes(partitions_def=monthly) if spec.partitions_def else spec
        ),
    )
    assert assets.specs_by_key[DAILY].partitions_def == monthly


def test_the_states_are_those_of_the_run(product, instance):
    """What Dagster's pages count is what the build itself reported."""
    from floe_core.execution.record.journal import read_events

    done = job_of(product).execute_in_process(instance=instance, partition_key="2026-11-04")
    told = [
        event
        for event in read_events(product.project_dir, done.run_id)
        if type(event).__name__ == "PartitionResult" and event.unique_id == "model.shop.daily"
    ]
    assert [(event.key, event.status) for event in told] == [("2026-11-04", "success")], json.dumps(
        [str(event) for event in told]
    )


def test_floe_run_reports_each_partition_as_dagster_has_it(compiled):
    product = compiled(failing_on("2026-11-03"), PARTITIONS)
    parameters = RunParameters(partitions="2026-11-02...2026-11-04")
    options = RunOptions("web-shop", parameters=parameters)
    report = DagsterPlugin().launch_run(product, options, lambda event: None)
    assert report.status == "failed"
    assert "disagree" not in report.message
    assert report.nodes["model.shop.daily"].partitions == (
        ("2026-11-02", "success"),
        ("2026-11-03", "error"),
        ("2026-11-04", "success"),
    )


def test_partitions_with_a_gap_are_logged_each(compiled):
    product = compiled(FILES, PARTITIONS)
    parameters = RunParameters(partitions="2026-11-02,2026-11-05")
    options = RunOptions("web-shop", parameters=parameters)
    report = DagsterPlugin().launch_run(product, options, lambda event: None)
    assert (report.status, report.message) == ("success", "")
    assert days_in(product, "daily") == ["2026-11-02", "2026-11-05"]
