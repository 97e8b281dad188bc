"""What is filled in in Airflow's trigger form reaches dbt, is checked, and outlives a clear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wait_for import wait_for

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.launch import add_dag
from floe_orchestrator_airflow.local.rest_api import RestError
from floe_orchestrator_airflow.local.service import LocalAirflow

Make = Callable[..., CompiledArtifacts]
Ask = Callable[..., list[tuple]]
MODELS = {
    "grows.sql": (
        "{{ config(materialized='incremental') }} select '{{ var('word', 'none') }}' as word, "
        "'{{ flags.FULL_REFRESH }}' as refreshed"
    ),
    "other.sql": "select 1 as id",
}


@pytest.fixture(scope="module")
def grown(airflow: LocalAirflow, make_product: Make) -> CompiledArtifacts:
    product = make_product("grown", MODELS)
    add_dag(airflow, product, "grown", lambda event: None)
    return product


def trigger(airflow: LocalAirflow, conf: dict[str, Any]) -> str:
    run_id = airflow.api.trigger("grown", None, conf)
    wait_for_end(airflow, run_id)
    return run_id


def wait_for_end(airflow: LocalAirflow, run_id: str) -> None:
    wait_for(lambda: airflow.api.run("grown", run_id)["state"] in ("success", "failed"), 120)


def states(airflow: LocalAirflow, run_id: str) -> dict[str, str]:
    found = airflow.api.task_instances("grown", run_id)
    return {task["task_id"]: task["state"] for task in found}


def test_a_run_does_what_the_form_says_and_a_clear_keeps_it(
    airflow: LocalAirflow, grown: CompiledArtifacts, ask_warehouse: Ask
) -> None:
    filled_in = {
        "exclude": "other",
        "resource_types": ["model"],
        "full_refresh": True,
        "vars": {"word": "told"},
        "select": None,
    }
    run_id = trigger(airflow, filled_in)
    expected = {"dbt_build": "success", "grows": "success", "other": "skipped"}
    assert {**states(airflow, run_id), "outcome": "-"} == {**expected, "outcome": "-"}
    assert ask_warehouse(grown, "select * from grows") == [("told", "True")]
    body = {"dry_run": False, "dag_run_id": run_id, "task_ids": ["dbt_build"], "only_failed": False}
    airflow.api.request("POST", "/api/v2/dags/grown/clearTaskInstances", body)
    wait_for_end(airflow, run_id)
    assert ask_warehouse(grown, "select * from grows") == [("told", "True")]
    assert ask_warehouse(grown, "select node, count(*) from main.audit group by 1") == [
        ("grows", 2)
    ]


@pytest.mark.parametrize(
    "filled_in", [{"resource_types": ["seeds"]}, {"full_refresh": "yes"}, {"vars": "word"}]
)
def test_what_the_form_does_not_take_starts_no_run(
    airflow: LocalAirflow, grown: CompiledArtifacts, filled_in: dict[str, Any]
) -> None:
    with pytest.raises(RestError) as refused:
        airflow.api.trigger("grown", None, filled_in)
    assert refused.value.status == 400


def test_a_selection_that_takes_nothing_fails_the_run_and_says_so(
    airflow: LocalAirflow, grown: CompiledArtifacts
) -> None:
    run_id = trigger(airflow, {"select": "nothing"})
    assert states(airflow, run_id)["dbt_build"] == "failed"
    log = airflow.api.log("grown", run_id, "dbt_build")
    assert "--select nothing: selects no node of grown" in log
