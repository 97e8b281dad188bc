"""Histories on Airflow: its four components, of which the triggerer is killed now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from airflow_processes import TO_START, AirflowProcesses
from history_mesh import HistoryMesh
from own_database import own_database, url_of
from update_histories import RULES
from wait_for import wait_a_while_for, wait_for

SETTINGS = {
    # The runs of several meshes begin at once, and each parses the file of all DAGs.
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",
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
# A look at the ledger, and what comes of it.
QUIET = 15.0
# A dropped event is repeated after a minute, a dead triggerer's triggers are taken over after half.
PATIENCE = 240.0


class AirflowPlayer:
    """The consumers of some meshes in an Airflow of four processes."""

    def __init__(self, folder: Path, meshes: int = 1) -> None:
        self.meshes = [HistoryMesh(folder / f"{n}", "airflow", f"-{n}") for n in range(meshes)]
        self._airflow = AirflowProcesses(folder / "airflow", SETTINGS)
        # Runs that have ended -> whether they built anything.
        self._has_built: dict[tuple[str, str], bool] = {}

    @contextmanager
    def up(self) -> Iterator[None]:
        with ExitStack() as stack:
            if len(self.meshes) > 1:
                # In SQLite, the runs of several meshes that begin at once wait too long.
                url = url_of(stack.enter_context(own_database()), "psycopg2")
                self._airflow.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = url
            places = [(m.named(name), str(m.folder / name)) for m in self.meshes for name in RULES]
            # One file, which is parsed again and again.
            (self._airflow.home.dags / "consumers.py").write_text(
                DAGS.replace("PLACES", repr(places))
            )
            stack.enter_context(self._airflow.up())
            for mesh in self.meshes:
                stack.callback(mesh.release_all)
            for name, _ in places:
                wait_for(lambda name=name: self._airflow.api.dag(name) is not None, TO_START)
                self.take("resume", name)
            yield

    def watch(self, what: str) -> None:
        if what != "back":
            self._airflow.kill("triggerer")
        if what != "away":
            self._airflow.start("triggerer")

    def take(self, what: str, consumer: str) -> None:
        place = f"/api/v2/dags/{consumer}"
        if what in ("pause", "resume"):
            self._airflow.api.request("PATCH", place, {"is_paused": what == "pause"})
        else:
            assert what == "by hand", what
            self._airflow.api.request("POST", f"{place}/dagRuns", {"logical_date": None})

    def settle(self, is_as_expected: Callable[[], bool]) -> None:
        if "triggerer" not in self._airflow.running:
            time.sleep(2)
            return
        # Each look asks for the runs of all consumers.
        wait_a_while_for(is_as_expected, PATIENCE, every=len(self.meshes))
        time.sleep(QUIET)

    def ends(self, consumer: str) -> list[str]:
        place = f"/api/v2/dags/{consumer}/dagRuns?order_by=run_after&limit=100"
        runs: list[dict[str, Any]] = self._airflow.api.request("GET", place)["dag_runs"]
        return [
            ENDS.get(run["state"], "on")
            for run in runs
            if run["state"] not in ENDS or self._is_build(consumer, run["dag_run_id"])
        ]

    def _is_build(self, consumer: str, run_id: str) -> bool:
        """Return whether a run that ended was one: not for what another run has begun with."""
        key = (consumer, run_id)
        if key not in self._has_built:
            tasks = self._airflow.api.task_instances(consumer, run_id)
            self._has_built[key] = {task["state"] for task in tasks} != {"skipped"}
        return self._has_built[key]
