"""What Airflow's pages show of the tasks of nodes: their logs, and when they ran."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from floe_core.plugin_api.powers import RunOptions, RunReport
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow

pytestmark = pytest.mark.slow

MODELS = 30
SQL = {f"m{number:02}.sql": f"select {number} as id" for number in range(MODELS)}
BROKEN = {
    "m30.sql": "select error('no such luck') as id",
    "m31.sql": "select * from {{ ref('m30') }}",
}


@contextmanager
def a_slow_database(path: Path) -> Iterator[None]:
    """Hold the lock of a SQLite database most of the time, so that each write takes a second."""
    is_over = threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as database:
            while not is_over.wait(0.3):
                database.execute("begin immediate")
                time.sleep(1)
                database.execute("rollback")

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@pytest.fixture(scope="module")
def ran(
    airflow: LocalAirflow, make_product: Callable[..., CompiledArtifacts]
) -> tuple[RunReport, dict[str, dict]]:
    """Return the report of a run whose nodes nearly all end at once, and its task instances."""
    artifacts = make_product("crowd", {**SQL, **BROKEN}, execution="{granularity: node}")
    with a_slow_database(airflow.home.database):
        report = run_in(airflow, artifacts, RunOptions(job="crowd"), lambda event: None)
    assert len(report.nodes) == MODELS + 2
    found = airflow.api.task_instances("crowd", report.run_id)
    return report, {task["task_id"]: task for task in found}


def test_the_log_of_each_node_s_task_is_complete(
    airflow: LocalAirflow, ran: tuple[RunReport, dict[str, dict]]
) -> None:
    report, _ = ran
    incomplete = {}
    for node_id in report.nodes:
        name = node_id.rpartition(".")[2]
        log = airflow.api.log("crowd", report.run_id, name)
        wanted = [f"{node_id}: {report.nodes[node_id].status}"]
        if name in ("m30", "m31"):
            wanted += ["no such luck"] if name == "m30" else []
        else:
            wanted += [
                f"START sql table model main.{name}",
                f"OK created sql table model main.{name}",
            ]
        missing = [text for text in wanted if text not in log]
        if missing:
            incomplete[name] = missing
    assert incomplete == {}


def test_a_task_starts_and_ends_with_its_node(ran: tuple[RunReport, dict[str, dict]]) -> None:
    report, tasks = ran
    for node_id, result in report.nodes.items():
        task = tasks[node_id.rpartition(".")[2]]
        start, end = (datetime.fromisoformat(task[name]) for name in ("start_date", "end_date"))
        assert (end - start).total_seconds() == pytest.approx(task["duration"], abs=0.001)
        if result.status != "skipped":
            assert (start, end) == (result.started_at, result.ended_at)
        else:
            assert task["duration"] == 0
    assert tasks["m30"]["state"] == "failed"
