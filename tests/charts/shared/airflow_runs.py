"""Ask a running Airflow for runs of products, and wait for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from airflow_release import ADMIN_PASSWORD, Release

from floe_orchestrator_airflow.local.rest_api import RestApi

SECONDS = 240.0
HEALTHY = dict.fromkeys(("metadatabase", "scheduler", "dag_processor", "triggerer"), "healthy")
EACH_TASK = dict.fromkeys(
    (
        "dbt_build", "greetings", "nap", "not_null_greetings_id", "outcome", "people", "stg_people",
        "unique_greetings_id",
    ),
    "success",
)  # fmt: skip


def wait(is_done: Callable[[], bool], what: str) -> None:
    """Wait for something that happens by itself."""
    deadline = time.monotonic() + SECONDS
    while not is_done():
        assert time.monotonic() < deadline, f"{what}: not within {SECONDS:.0f} s"
        time.sleep(0.5)


def api_of(ready: Release, path: str = "") -> RestApi:
    """Return the API of a release as its administrator."""
    api = RestApi(f"http://127.0.0.1:{ready.port}{path}", "admin", ADMIN_PASSWORD)
    api.log_in()
    return api


def has_table(ready: Release, name: str) -> bool:
    """Tell whether the warehouse has a table of this name."""
    query = f"select to_regclass('{name}') is not null"
    return ready.database.rows(query) == [(True,)]


def begin(api: RestApi, dag_ids: Iterable[str]) -> dict[str, str]:
    """Start a run of each DAG, once all are parsed; return DAG -> run."""
    dag_ids = list(dag_ids)
    wait(lambda: all(api.dag(dag_id) for dag_id in dag_ids), "reading the DAGs")
    for dag_id in dag_ids:
        api.unpause(dag_id)
    return {dag_id: api.trigger(dag_id, None, {}) for dag_id in dag_ids}


def states_of_tasks(api: RestApi, dag_id: str, run_id: str) -> dict[str, str]:
    """Return task -> state of a run, when it is over."""
    wait(lambda: api.run(dag_id, run_id)["state"] in ("success", "failed"), f"the run of {dag_id}")
    return {each["task_id"]: each["state"] for each in api.task_instances(dag_id, run_id)}
