"""Which ends of runs are reported, and by what."""

from __future__ import annotations

import json

import dagster as dg
import pytest
from killed_build import begin_and_die, waiting_lineage
from schedule_records import run_in_location, sensor_context

from floe_core.alerts import status
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.policies import AlertRule
from floe_orchestrator_dagster.alerts import is_under_way, report_end_of_run
from floe_orchestrator_dagster.definitions.product_definitions import definitions_of

RULE = AlertRule(on=("failure", "recovery", "warning"), to="env:NOBODY_SETS_THIS")


@pytest.fixture
def shop(node, product, tmp_path, monkeypatch):
    monkeypatch.delenv("NOBODY_SETS_THIS", raising=False)
    made = product(node("seed", "raw"), name="shop")
    chosen = made.orchestrator.model_copy(update={"config": {"url": "http://dagster.example/"}})
    alerting = made.model_copy(update={"alerts": (RULE,), "orchestrator": chosen})
    return alerting.bound_to(tmp_path)


def waiting(artifacts):
    """Return the messages that wait."""
    files = (artifacts.folder / ".floe" / "alerts" / "targets").glob("*/spool/*.json")
    return [json.loads(file.read_text())["body"] for file in sorted(files)]


def ended(run_status, parent=None, **tags):
    return dg.DagsterRun(
        job_name="shop",
        run_id="r-1",
        status=run_status,
        tags=tags,
        parent_run_id=parent,
        root_run_id=parent,
    )


def test_a_product_without_alerts_has_no_sensor(shop):
    quiet = shop.model_copy(update={"alerts": ()}).bound_to(shop.folder)
    assert definitions_of(quiet).sensors == []
    [sensor] = definitions_of(shop).sensors
    assert (sensor.name, sensor.default_status) == (
        "shop__alerts",
        dg.DefaultSensorStatus.RUNNING,
    )


def test_without_alerts_the_lineage_of_a_killed_run_worker_is_ended(shop, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:1")
    quiet = shop.model_copy(update={"alerts": ()}).bound_to(shop.folder)
    assert [sensor.name for sensor in definitions_of(quiet).sensors] == ["shop__alerts"]
    begin_and_die(quiet, BuildRequest("shop", "r-1", sends_alerts=False))
    with dg.DagsterInstance.ephemeral() as instance:
        report_end_of_run(quiet, instance, ended(dg.DagsterRunStatus.FAILURE))
    assert waiting_lineage(quiet) == [("shop", "FAIL")]


def test_a_run_is_reported_by_the_sensor_of_its_own_code_location(shop):
    """Another one holds the same product, as for another environment."""
    [sensor] = definitions_of(shop).sensors
    with dg.DagsterInstance.ephemeral() as instance:
        for tags in ({"floe/product": "shop", "floe/job": "shop"}, {"floe/product": "shop"}):
            run = run_in_location(instance, "here", dg.DagsterRunStatus.STARTED, tags)
            instance.report_run_failed(run)
        reports = [
            sensor.evaluate_tick(sensor_context(instance, location)).skip_message
            for location in ("other", "here")
        ]
    assert reports == ["reported 0 ended runs", "reported 2 ended runs"]
    assert len(waiting(shop)) == 2


def test_a_late_job_that_runs_in_another_code_location_is_late(shop):
    with dg.DagsterInstance.ephemeral() as instance:
        tags = {"floe/product": "shop", "floe/job": "shop"}
        run_in_location(instance, "other", dg.DagsterRunStatus.QUEUED, tags)
        repositories = [f"__repository__@{location}" for location in ("here", "other")]
        found = [is_under_way(shop, instance, "shop", each) for each in repositories]
    assert found == [False, True]


def test_a_failed_run_is_reported_once_with_its_page(shop):
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            report_end_of_run(shop, instance, ended(dg.DagsterRunStatus.FAILURE))
    [message] = waiting(shop)
    assert message.splitlines()[-1] == "run: http://dagster.example/runs/r-1"


def test_a_run_that_dagster_retries_by_itself_has_not_ended(shop):
    with dg.DagsterInstance.ephemeral() as instance:
        run = ended(dg.DagsterRunStatus.FAILURE, **{"dagster/will_retry": "true"})
        report_end_of_run(shop, instance, run)
    assert status(shop).waiting == 0


def test_a_run_that_a_newer_tick_replaced_is_reported_to_nobody(shop):
    with dg.DagsterInstance.ephemeral() as instance:
        run = ended(dg.DagsterRunStatus.CANCELED, **{"floe/replaced_by": "2026-01-10T13:52:00"})
        report_end_of_run(shop, instance, run)
    assert status(shop).waiting == 0


def test_a_replaced_run_that_is_executed_again_is_reported(shop):
    """Dagster gives it a copy of all tags."""
    tags = {"floe/replaced_by": "2026-01-10T13:52:00"}
    with dg.DagsterInstance.ephemeral() as instance:
        first = run_in_location(instance, "shop", dg.DagsterRunStatus.CANCELED, tags)
        again = ended(dg.DagsterRunStatus.FAILURE, first.run_id, **tags)
        report_end_of_run(shop, instance, again)
    assert status(shop).waiting == 1


def test_a_run_whose_tick_another_one_builds_is_reported_to_nobody(shop):
    with dg.DagsterInstance.ephemeral() as instance:
        run = ended(dg.DagsterRunStatus.FAILURE, **{"floe/not_ours": "airflow builds this tick"})
        report_end_of_run(shop, instance, run)
    assert status(shop).waiting == 0


def test_a_canceled_run_says_so(shop):
    with dg.DagsterInstance.ephemeral() as instance:
        report_end_of_run(shop, instance, ended(dg.DagsterRunStatus.CANCELED))
    assert waiting(shop)[0].startswith("the run was canceled\n")
