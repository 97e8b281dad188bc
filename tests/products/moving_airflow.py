"""An Airflow that has a moving product, in processes that a test kills."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from airflow_processes import AirflowProcesses
from free_port import free_port
from moving_product import JOB, Built, MovingProduct
from other_clock import NO_OTHER_CLOCK
from wait_for import wait_for
from waiting_step import kill_run

from floe_orchestrator_airflow.local.home import USER

PASSWORD = "FLOE_TEST_AIRFLOW_PASSWORD"
SETTINGS = {
    # Airflow takes a task for dead after five minutes without a word, otherwise.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}


class MovingAirflow:
    """All components of an Airflow with the product."""

    name = "airflow"
    faults = ("scheduler", "dag-processor", "run")

    def __init__(self, product: MovingProduct, clock: Mapping[str, str] = NO_OTHER_CLOCK) -> None:
        port = free_port()
        config = {
            "url": f"http://127.0.0.1:{port}",
            "username": USER,
            "password": f"env:{PASSWORD}",
        }
        self.artifacts = product.compile(self.name, config)
        self.processes = AirflowProcesses(
            product.folder / "airflow-home", {**SETTINGS, **clock}, port
        )
        os.environ[PASSWORD] = self.processes.home.password

    @contextmanager
    def up(self) -> Iterator[None]:
        dag_file = self.processes.home.dags / f"{JOB}.py"
        dag_file.unlink(missing_ok=True)
        dag_file.symlink_to(self.artifacts.folder / "dag.py")
        with self.processes.up():
            wait_for(lambda: self.processes.api.dag(JOB) is not None, 300)
            yield

    def begin(self) -> None:
        """Let the ticks start runs: Airflow has a new DAG paused."""
        self.processes.api.unpause(JOB)

    def strike(self, fault: str, seconds: float) -> None:
        """Kill something, and start it again after so many seconds."""
        if fault == "run":
            kill_run(self.artifacts.folder)
            return
        self.processes.kill(fault)
        time.sleep(seconds)
        self.processes.start(fault)

    def ended(self) -> list[Built]:
        """Return the runs that built something; one of another owner's tick is skipped."""
        found = []
        for run in self._runs():
            tasks = self.processes.api.task_instances(JOB, run["dag_run_id"])
            states = {task["task_id"]: task["state"] for task in tasks}
            if run["state"] in ("success", "failed") and states.get("dbt_build") != "skipped":
                keys = ("logical_date", "start_date", "end_date")
                tick, start, end = (datetime.fromisoformat(run[key]) for key in keys)
                found.append(Built(tick, run["state"], start, end))
        return found

    def is_running(self) -> bool:
        return any(run["state"] in ("queued", "running") for run in self._runs())

    def _runs(self) -> list[dict[str, str]]:
        found = self.processes.api.request("GET", f"/api/v2/dags/{JOB}/dagRuns?limit=100")
        runs: list[dict[str, str]] = found["dag_runs"]
        return runs
