"""An Airflow that has a moving product, in processes that a test kills."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock

from airflow_processes import AirflowProcesses
from free_port import free_port
from moving_product import Built, MovingProduct
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


class AirflowOfMoves:
    """All components of an Airflow, which restart one at a time."""

    def __init__(self, folder: Path, clock: Mapping[str, str] = NO_OTHER_CLOCK) -> None:
        self.processes = AirflowProcesses(folder, {**SETTINGS, **clock}, free_port())
        os.environ[PASSWORD] = self.processes.home.password
        self._restarting = Lock()

    def up(self) -> AbstractContextManager[None]:
        return self.processes.up()

    def restart(self, component: str, seconds: float) -> None:
        """Kill a component, and start it again after so many seconds."""
        with self._restarting:
            self.processes.kill(component)
            time.sleep(seconds)
            self.processes.start(component)


class MovingAirflow:
    """A product on an Airflow."""

    name = "airflow"
    faults = ("scheduler", "dag-processor", "run")

    def __init__(self, product: MovingProduct, place: AirflowOfMoves | None = None) -> None:
        self.place = place or AirflowOfMoves(product.folder / "airflow-home")
        self.processes = self.place.processes
        config = {
            "url": self.processes.home.url,
            "username": USER,
            "password": f"env:{PASSWORD}",
        }
        self.artifacts = product.compile(self.name, config)
        self._job = product.name
        dag_file = self.processes.home.dags / f"{self._job}.py"
        dag_file.unlink(missing_ok=True)
        dag_file.symlink_to(self.artifacts.folder / "dag.py")

    @contextmanager
    def up(self) -> Iterator[None]:
        with self.place.up(), self.deployed():
            yield

    @contextmanager
    def deployed(self) -> Iterator[None]:
        wait_for(lambda: self.processes.api.dag(self._job) is not None, 300)
        yield

    def begin(self) -> None:
        """Let the ticks start runs: Airflow has a new DAG paused."""
        self.processes.api.unpause(self._job)

    def strike(self, fault: str, seconds: float) -> None:
        """Kill something, and start it again after so many seconds."""
        if fault == "run":
            kill_run(self.artifacts.folder)
        else:
            self.place.restart(fault, seconds)

    def ended(self) -> list[Built]:
        """Return the runs that built something; one of another owner's tick is skipped."""
        found = []
        for run in self._runs():
            tasks = self.processes.api.task_instances(self._job, run["dag_run_id"])
            states = {task["task_id"]: task["state"] for task in tasks}
            if run["state"] in ("success", "failed") and states.get("dbt_build") != "skipped":
                keys = ("logical_date", "start_date", "end_date")
                tick, start, end = (datetime.fromisoformat(run[key]) for key in keys)
                found.append(Built(tick, run["state"], start, end))
        return found

    def failed_to_begin(self) -> list[datetime]:
        """Return none: such a run is started again, as the same run."""
        return []

    def is_running(self) -> bool:
        return any(run["state"] in ("queued", "running") for run in self._runs())

    def _runs(self) -> list[dict[str, str]]:
        found = self.processes.api.request("GET", f"/api/v2/dags/{self._job}/dagRuns?limit=100")
        runs: list[dict[str, str]] = found["dag_runs"]
        return runs
