"""A run whose vars disable nodes, through a real Airflow."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from floe_core.plugin_api.powers import RunOptions
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow

MODELS = {
    "first.sql": "select 1 as id",
    "optional.sql": "{{ config(enabled=var('optional', true)) }} select * from {{ ref('first') }}",
}


def test_the_task_of_a_disabled_node_is_skipped_in_a_green_run(
    airflow: LocalAirflow, make_product: Callable[..., CompiledArtifacts]
) -> None:
    artifacts = make_product("optional", MODELS)
    parameters = RunParameters(vars={"optional": False})
    options = RunOptions(job="optional", parameters=parameters)
    report = run_in(airflow, artifacts, options, lambda event: None)
    assert (report.status, report.message) == ("success", "")
    statuses = {node_id: result.status for node_id, result in report.nodes.items()}
    assert statuses == {"model.optional.first": "success", "model.optional.optional": "skipped"}

    tasks = airflow.api.task_instances("optional", report.run_id)
    assert {task["task_id"]: task["state"] for task in tasks} == {
        "dbt_build": "success",
        "first": "success",
        "optional": "skipped",
        "outcome": "success",
    }
    log = airflow.api.log("optional", report.run_id, "optional")
    assert "disabled by the vars of this run" in log
    query = f"source_dag_id=optional&source_run_id={quote(report.run_id, safe='')}"
    events = airflow.api.request("GET", f"/api/v2/assets/events?{query}")["asset_events"]
    assert [event["uri"] for event in events] == ["floe://optional/first"]
