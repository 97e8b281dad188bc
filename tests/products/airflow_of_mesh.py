"""The consumers of a mesh on a running Airflow, which starts them for updates."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
from filelock import FileLock
from updating_mesh import Mesh
from wait_for import wait_for
from warm_floe import floe

from floe_core.ports.ledger import ledger_of
from floe_orchestrator_airflow.local.service import LocalAirflow
from floe_orchestrator_airflow.names.airflow_names import BUILD

# A consumer starts within this of the last green producer.
TO_START = 60.0
# Long enough for two looks at the ledger, and for a scheduler to do what comes of them.
NOTHING_COMES = 30.0
TO_END = 120.0
# A run that ended before it began is followed by another a minute later.
TO_REPEAT = 60.0
# Airflow gives a killed worker up after a minute.
TO_GIVE_UP = 180.0

TEAM = """
from airflow.sdk import DAG, task
from floe_orchestrator_airflow import floe_asset

with DAG("team", schedule=[floe_asset("marts", "mart")], catchup=False):
    task(task_id="hear")(lambda: None)()
"""


class AirflowOfMesh:
    """The consumers of a mesh in an Airflow that can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.mesh = Mesh(folder / "mesh", "airflow")
        self.folder = folder

    @contextmanager
    def up(self) -> Iterator[None]:
        consumers = self.mesh.consumers
        home = self.folder / "airflow"
        with LocalAirflow(home, *consumers.values(), follows_schedules=True) as self.airflow:
            (self.airflow.home.dags / "team.py").write_text(TEAM)
            for dag_id in (*consumers, "team"):
                wait_for(lambda name=dag_id: self.airflow.api.dag(name) is not None, TO_START)
                self.pause(dag_id, False)
            yield

    def pause(self, dag_id: str, is_paused: bool = True) -> None:
        self.airflow.api.request("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": is_paused})

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        found = self.airflow.api.request("GET", f"/api/v2/dags/{dag_id}/dagRuns?order_by=run_after")
        return list(found["dag_runs"])

    def states(self, dag_id: str) -> list[str]:
        return [run["state"] for run in self.runs(dag_id)]

    def tasks(self, dag_id: str) -> dict[str, str]:
        """Return task -> state of the last run."""
        return {task["task_id"]: task["state"] for task in self._instances(dag_id)}

    def _instances(self, dag_id: str) -> list[dict[str, Any]]:
        run_id = self.runs(dag_id)[-1]["dag_run_id"]
        return self.airflow.api.task_instances(dag_id, run_id)

    def starts(self, dag_id: str, before: int, within: float = TO_START) -> None:
        """Wait for the start of the one run that comes next, for its end, and for no other."""
        wait_for(lambda: len(self.runs(dag_id)) > before, within)
        self.stays_at(dag_id, before + 1)
        wait_for(lambda: self.states(dag_id)[before] in ("success", "failed"), TO_END)
        assert self.states(dag_id)[before] == "success", self.tasks(dag_id)

    def seen(self, dag_id: str) -> dict[str, int]:
        """Return numbered port -> the last update that runs of a consumer have seen."""
        ledger = ledger_of(self.mesh.consumers[dag_id])
        assert ledger is not None
        return ledger.read(dag_id).updates_seen_by(dag_id)

    def updates(self, dag_id: str) -> str:
        """Return the key of the updates that started the last run."""
        run_id = self.runs(dag_id)[-1]["dag_run_id"]
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}/upstreamAssetEvents"
        events = self.airflow.api.request("GET", path)["asset_events"]
        return str(events[-1]["extra"]["payload"])

    def shown_in_mesh(self, job: str) -> str:
        """Return what `floe mesh` says of a job."""
        done = floe("mesh", self.mesh.folder)
        [line] = [line for line in done.stdout.splitlines() if f"job {job}" in line]
        return line

    def log_of_triggerer(self) -> str:
        return self.airflow.home.output.read_text(errors="replace")

    @contextmanager
    def without_slots(self) -> Iterator[None]:
        """Let no task start on a worker while the block runs."""
        self._set_slots(0)
        try:
            yield
        finally:
            self._set_slots(128)

    def _set_slots(self, slots: int) -> None:
        pool = {"name": "default_pool", "slots": slots, "include_deferred": False}
        path = "/api/v2/pools/default_pool?update_mask=slots"
        self.airflow.api.request("PATCH", path, pool)

    def kill_worker_at_its_start(self, dag_id: str, before: int, *producers: str) -> None:
        """Update ports, and kill the worker of the run that starts before it can say so.

        The task waits at the record of its product meanwhile, and its supervisor dies as well.
        """
        with FileLock(f"{self.mesh.record_of(dag_id)}.lock"):
            self.mesh.update(*producers)
            wait_for(lambda: len(self.runs(dag_id)) > before, TO_START)
            wait_for(lambda: self.tasks(dag_id).get(BUILD) == "running", TO_START)
            [build] = [t for t in self._instances(dag_id) if t["task_id"] == BUILD]
            name = f"airflow worker -- {build['id']}"
            [task] = [each for each in psutil.process_iter() if name in command_of(each)]
            for process in (task.parent(), task):
                process.kill()
            psutil.wait_procs([task], 10)

    def stays_at(self, dag_id: str, count: int) -> None:
        time.sleep(NOTHING_COMES)
        assert len(self.runs(dag_id)) == count


def command_of(process: psutil.Process) -> list[str]:
    """Return the words that a process was called with, [] if it has ended."""
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
        return []
