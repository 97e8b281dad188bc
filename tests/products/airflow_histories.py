"""Histories on Airflow: its four components, of which the triggerer is killed now and then."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from history_mesh import HistoryMesh
from own_database import own_database, url_of
from own_group import BIN, started_in_own_group
from update_histories import RULES
from wait_for import wait_a_while_for, wait_for

from floe_orchestrator_airflow.local.home import USER, Home
from floe_orchestrator_airflow.local.rest_api import RestApi, RestError

COMPONENTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
SETTINGS = {
    # More than there are consumers, which may all be held up at once.
    "AIRFLOW__CORE__PARALLELISM": "48",
    # Of a DAG that is paused or resumed Airflow takes the trigger away or back with the next parse.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
}
DAGS = """\
from airflow.sdk import DAG, get_parsing_context
from floe_orchestrator_airflow.loader import load_product_dags

wanted = get_parsing_context().dag_id
for name, folder in PLACES:
    if wanted in (None, name):
        globals().update({dag.dag_id: dag for dag in load_product_dags(name, folder)})
"""
ENDS = {"success": "success", "failed": "failed"}
TO_START = 180.0
# A look at the ledger, and what comes of it.
QUIET = 15.0
# A dropped event is repeated after a minute, a dead triggerer's triggers are taken over after half.
PATIENCE = 240.0


class AirflowPlayer:
    """The consumers of some meshes in an Airflow of four processes."""

    def __init__(self, folder: Path, meshes: int = 1) -> None:
        self.meshes = [HistoryMesh(folder / f"{n}", "airflow", f"-{n}") for n in range(meshes)]
        self._home = Home.prepare(folder / "airflow", follows_schedules=True)
        self._environment = {**self._home.environment(os.environ), **SETTINGS}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._groups: list[int] = []
        # Runs that have ended -> whether they built anything.
        self._has_built: dict[tuple[str, str], bool] = {}

    @contextmanager
    def up(self) -> Iterator[None]:
        with ExitStack() as stack:
            if len(self.meshes) > 1:
                # In SQLite, the runs of several meshes that begin at once wait too long.
                url = url_of(stack.enter_context(own_database()), "psycopg2")
                self._environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = url
            stack.enter_context(self._up())
            yield

    @contextmanager
    def _up(self) -> Iterator[None]:
        places = [
            (mesh.named(name), str(mesh.folder / name)) for mesh in self.meshes for name in RULES
        ]
        # One file, which is parsed again and again.
        (self._home.dags / "consumers.py").write_text(DAGS.replace("PLACES", repr(places)))
        migrate = [BIN / "airflow", "db", "migrate"]
        subprocess.run(migrate, env=self._environment, check=True, capture_output=True)
        try:
            self._start("api-server")
            self._api = RestApi(self._home.url, USER, self._home.password)
            wait_for(self._answers, TO_START)
            self._api.log_in()
            for component in ("scheduler", "dag-processor", "triggerer"):
                self._start(component)
            for name, _ in places:
                wait_for(lambda name=name: self._api.dag(name) is not None, TO_START)
                self.take("resume", name)
            yield
        finally:
            for mesh in self.meshes:
                mesh.release_all()
            for group in self._groups:
                with suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)

    def watch(self, what: str) -> None:
        if what != "back":
            process = self._processes.pop("triggerer")
            process.kill()
            process.wait()
        if what != "away":
            self._start("triggerer")

    def take(self, what: str, consumer: str) -> None:
        place = f"/api/v2/dags/{consumer}"
        if what in ("pause", "resume"):
            self._api.request("PATCH", place, {"is_paused": what == "pause"})
        else:
            assert what == "by hand", what
            self._api.request("POST", f"{place}/dagRuns", {"logical_date": None})

    def settle(self, is_as_expected: Callable[[], bool]) -> None:
        if "triggerer" not in self._processes:
            time.sleep(2)
            return
        # Each look asks for the runs of all consumers.
        wait_a_while_for(is_as_expected, PATIENCE, every=len(self.meshes))
        time.sleep(QUIET)

    def ends(self, consumer: str) -> list[str]:
        place = f"/api/v2/dags/{consumer}/dagRuns?order_by=run_after&limit=100"
        runs: list[dict[str, Any]] = self._api.request("GET", place)["dag_runs"]
        return [
            ENDS.get(run["state"], "on")
            for run in runs
            if run["state"] not in ENDS or self._is_build(consumer, run["dag_run_id"])
        ]

    def _is_build(self, consumer: str, run_id: str) -> bool:
        """Return whether a run that ended was one: not for what another run has begun with."""
        key = (consumer, run_id)
        if key not in self._has_built:
            tasks = self._api.task_instances(consumer, run_id)
            self._has_built[key] = {task["state"] for task in tasks} != {"skipped"}
        return self._has_built[key]

    def _start(self, component: str) -> None:
        process = started_in_own_group(
            ["airflow", *COMPONENTS[component]],
            self._home.folder / f"{component}.log",
            self._home.folder,
            self._environment,
        )
        self._processes[component] = process
        self._groups.append(process.pid)

    def _answers(self) -> bool:
        try:
            self._api.ping()
        except RestError:
            return False
        return True
