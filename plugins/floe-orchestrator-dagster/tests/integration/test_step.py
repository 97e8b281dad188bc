"""What a Dagster run tells of a build: real dbt, a real warehouse, Dagster's own engine."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from dagster import (
    AssetKey,
    DagsterEventType,
    DagsterInstance,
    ReexecutionOptions,
    execute_job,
    reconstructable,
)

from floe_core.execution import NodeStarted
from floe_core.execution.record.journal import read_events
from floe_orchestrator_dagster.loader import load_product_definitions

FILES = {
    "seeds/people.csv": "id,name\n1,Ada\n2,Grace\n",
    "models/first.sql": "select id from {{ ref('people') }}",
    "models/middle.sql": "select id from {{ ref('first') }}",
    "models/last.sql": "select id from {{ ref('middle') }}",
    "models/aside.sql": "select id from {{ ref('first') }}",
    "models/schema.yml": """\
models:
  - name: first
    columns:
      - name: id
        data_tests:
          - unique
          - accepted_values: {arguments: {values: [1]}, config: {severity: warn}}
""",
    "tests/lonely.sql": "select 1 where false",
}
RETRIES = "execution: {retries: 2, retryDelaySeconds: 0}\n"
UNIQUE, VALUES = "unique_first_id", "accepted_values_first_id__1"


class Told:
    """What the event log of one run holds."""

    def __init__(self, result, artifacts, instance):
        entries = instance.all_logs(result.run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION)
        self.moment_of_materialization = {
            entry.dagster_event.asset_key.to_user_string(): entry.timestamp for entry in entries
        }
        logged = instance.all_logs(result.run_id)
        self.warnings = [entry for entry in logged if entry.level == logging.WARNING]
        self.success = result.success
        self.run_id = result.run_id
        self.artifacts = artifacts
        self.events = result.all_events

    def of(self, kind):
        return [event for event in self.events if event.event_type == kind]

    @property
    def materialized(self):
        built = self.of(DagsterEventType.ASSET_MATERIALIZATION)
        return [event.asset_key.to_user_string() for event in built]

    @property
    def checked(self):
        said = [e.event_specific_data for e in self.of(DagsterEventType.ASSET_CHECK_EVALUATION)]
        return {(check.check_name, check.passed, check.severity.value) for check in said}

    @property
    def failure(self):
        [event] = self.of(DagsterEventType.STEP_FAILURE)
        return event.step_failure_data.user_failure_data

    @property
    def attempts(self):
        return 1 + len(self.of(DagsterEventType.STEP_RESTARTED))

    @property
    def started_nodes(self):
        events = read_events(self.artifacts.project_dir, self.run_id)
        return [event.unique_id for event in events if isinstance(event, NodeStarted)]


def run(artifacts, **selection):
    job = load_product_definitions("web-shop", artifacts.project_dir).resolve_job_def("web_shop")
    with DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False, **selection)
        return Told(result, artifacts, instance)


@pytest.fixture(scope="module")
def good(compiled):
    return compiled(FILES)


def test_a_good_run_materialises_every_asset_and_evaluates_every_check(good, tables):
    told = run(good)
    assert told.success
    assert sorted(told.materialized) == ["aside", "first", "last", "middle", "people"]
    assert told.checked == {
        (UNIQUE, True, "ERROR"),
        (VALUES, False, "WARN"),
        ("lonely", True, "ERROR"),
    }
    assert tables(good) == {"aside", "first", "last", "middle", "people"}


def test_materialisations_tell_rows_and_seconds(good):
    [people] = [
        event.materialization.metadata
        for event in run(good).of(DagsterEventType.ASSET_MATERIALIZATION)
        if event.asset_key == AssetKey(["people"])
    ]
    assert people["dagster/row_count"].value == 2
    assert 0 < people["Execution Duration"].value < 60


def test_events_come_while_the_build_is_still_running(good):
    told = run(good)
    begun = {
        event.unique_id: event.at.timestamp()
        for event in read_events(good.project_dir, told.run_id)
        if isinstance(event, NodeStarted)
    }
    assert told.moment_of_materialization["people"] < begun["model.shop.last"]


def test_some_assets_run_alone_with_their_checks_as_dagster_selects_them(good):
    told = run(good, asset_selection=[AssetKey(["first"]), AssetKey(["aside"])])
    assert told.success
    assert sorted(told.materialized) == ["aside", "first"]
    assert {name for name, *_ in told.checked} == {UNIQUE, VALUES}
    assert "model.shop.middle" not in told.started_nodes


def test_a_model_that_fails_in_the_middle_fails_the_run_and_stops_what_is_below(compiled, tables):
    broken = compiled({**FILES, "models/middle.sql": "select nothing from {{ ref('first') }}"})
    told = run(broken)
    assert not told.success
    assert sorted(told.materialized) == ["aside", "first", "people"]
    assert tables(broken) == {"aside", "first", "people"}
    said = told.failure.description
    assert said.startswith("2 of 8 nodes: 1 error, 1 skipped\nmodel.shop.middle: ")


def test_a_retry_runs_what_failed_and_what_was_held_back_and_no_more(compiled):
    files = {
        **FILES,
        "models/middle.sql": (
            "{% if var('floe_attempt', 1) == 1 %} select nothing "
            "{% else %} select id {% endif %} from {{ ref('first') }}"
        ),
    }
    told = run(compiled(files, floe=RETRIES))
    assert told.success
    assert told.attempts == 2
    assert sorted(told.materialized) == ["aside", "first", "last", "middle", "people"]
    twice = {id_ for id_ in told.started_nodes if told.started_nodes.count(id_) > 1}
    assert twice <= {"model.shop.middle", "model.shop.last"}
    assert "model.shop.middle" in twice


def job_of_the_shop():
    folder = Path(os.environ["FOLDER_OF_THE_SHOP"])
    return load_product_definitions("web-shop", folder).resolve_job_def("web_shop")


def test_a_run_that_is_executed_again_has_the_first_one_as_its_root(compiled, monkeypatch):
    shop = compiled({"models/first.sql": "select 1 as id"}, floe="artifacts: {to: published}\n")
    monkeypatch.setenv("FOLDER_OF_THE_SHOP", str(shop.folder))
    job = reconstructable(job_of_the_shop)
    here = {"execution": {"config": {"in_process": {}}}}
    with DagsterInstance.ephemeral() as instance:
        with execute_job(job, instance, run_config=here) as first:
            assert first.success
        for _ in range(2):
            parent = ReexecutionOptions(instance.get_runs(limit=1)[0].run_id)
            with execute_job(job, instance, run_config=here, reexecution_options=parent) as again:
                assert again.success
    published = shop.folder / "published" / "web-shop"
    assert {each.name for each in published.iterdir() if each.is_dir()} == {first.run_id, "latest"}


def test_a_model_that_always_fails_ends_with_its_attempts(compiled):
    broken = compiled(
        {**FILES, "models/middle.sql": "select nothing from {{ ref('first') }}"}, floe=RETRIES
    )
    told = run(broken)
    assert (told.success, told.attempts) == (False, 3)


def test_a_failed_test_fails_the_run_and_is_never_retried(compiled, tables):
    files = {**FILES, "seeds/people.csv": "id,name\n1,Ada\n1,Grace\n"}
    failing = compiled(files, floe=RETRIES)
    told = run(failing)
    assert (told.success, told.attempts) == (False, 1)
    assert (UNIQUE, False, "ERROR") in told.checked
    assert sorted(told.materialized) == ["first", "people"]
    assert tables(failing) == {"first", "people"}
    assert told.failure.description.splitlines()[0] == "4 of 8 nodes: 1 fail, 3 skipped"


def test_a_message_of_dbt_is_once_in_the_steps_output_or_as_a_warning_in_its_log(good, capfd):
    told = run(good)
    output = capfd.readouterr().out
    assert output.count("OK created sql table model main.first") == 1
    warned = [entry.message for entry in told.warnings]
    assert len([text for text in warned if "WARN 1 accepted_values_first_id__1" in text]) == 1
    assert "WARN 1 accepted_values_first_id__1" not in output


FUNCTIONS = {
    "functions/twice.sql": "x * 2",
    "functions/schema.yml": """\
functions:
  - name: twice
    arguments: [{name: x, data_type: integer}]
    returns: {data_type: integer}
""",
    # dbt-duckdb has none of its own.
    "macros/scalar.sql": "{% macro duckdb__scalar_function_sql(target_relation) %}"
    "create or replace macro {{ target_relation }}(x) as ({{ model.compiled_code }});"
    "{% endmacro %}",
    "models/calls.sql": "select {{ function('twice') }}(1) as id",
    "models/aside.sql": "select 1 as id",
}


def test_a_function_has_no_asset_and_is_built_with_what_depends_on_it(compiled):
    artifacts = compiled(FUNCTIONS)
    whole = run(artifacts)
    assert whole.success
    assert "function.shop.twice" in whole.started_nodes
    part = run(artifacts, asset_selection=[AssetKey("calls")])
    assert part.started_nodes == ["function.shop.twice", "model.shop.calls"]
    assert run(artifacts, asset_selection=[AssetKey("aside")]).started_nodes == ["model.shop.aside"]
