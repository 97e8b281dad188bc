"""Histories on Prefect: a real server, and a process that serves the consumers of each mesh."""

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
from running_prefect import RunningPrefect
from update_histories import RULES
from wait_for import wait_a_while_for

SERVED = """\
from floe_orchestrator_prefect import load_product_flows, serve_products

serve_products(*(load_product_flows(name, folder) for name, folder in PLACES))
"""
ENDS = {"COMPLETED": "success", "FAILED": "failed", "CRASHED": "failed"}
# A look at the ledger, and what comes of it.
QUIET = 13.0
PATIENCE = 180.0


class PrefectPlayer:
    """The consumers of some meshes, served by processes that are killed when history says so."""

    def __init__(self, folder: Path, meshes: int = 1) -> None:
        self.meshes = [HistoryMesh(folder / f"{n}", "prefect", f"-{n}") for n in range(meshes)]
        for mesh in self.meshes:
            places = [(mesh.named(name), str(mesh.folder / name)) for name in RULES]
            (mesh.folder / "flow.py").write_text(SERVED.replace("PLACES", repr(places)))
        self._folder = folder
        self._serving: list[subprocess.Popen[bytes]] = []
        self._killed: list[int] = []

    @contextmanager
    def up(self) -> Iterator[None]:
        with ExitStack() as stack:
            database = ""
            if len(self.meshes) > 1:
                # In SQLite, the runs of several meshes that begin at once wait too long.
                database = url_of(stack.enter_context(own_database()), "asyncpg")
            self.prefect = RunningPrefect(self._folder, database=database)
            stack.enter_context(self.prefect.up())
            try:
                self._serve()
                yield
            finally:
                for mesh in self.meshes:
                    mesh.release_all()
                self._kill()
                # Flow runs outlive who served them.
                for group in self._killed:
                    with suppress(ProcessLookupError):
                        os.killpg(group, signal.SIGKILL)

    def watch(self, what: str) -> None:
        if what != "back":
            self._kill()
        if what != "away":
            self._serve()

    def take(self, what: str, consumer: str) -> None:
        deployment = f"{consumer}/floe"
        if what in ("pause", "resume"):
            place = f"/deployments/{self.prefect.deployment(deployment)['id']}"
            self.prefect.request("PATCH", place, {"paused": what == "pause"})
        else:
            assert what == "by hand", what
            self.prefect.trigger(deployment)

    def settle(self, is_as_expected: Callable[[], bool]) -> None:
        if not self._serving:
            time.sleep(2)
            return
        # Each look asks for the runs of all consumers.
        wait_a_while_for(is_as_expected, PATIENCE, every=len(self.meshes))
        time.sleep(QUIET)

    def ends(self, consumer: str) -> list[str]:
        wanted = {"flows": {"name": {"any_": [consumer]}}, "sort": "EXPECTED_START_TIME_ASC"}
        runs: list[dict[str, Any]] = self.prefect.request("POST", "/flow_runs/filter", wanted)
        # What another run has begun with already is not built again.
        kept = [run["state"] for run in runs if run["state"]["name"] != "Skipped"]
        return [ENDS.get(state["type"], "on") for state in kept]

    def _serve(self) -> None:
        self._serving = self.prefect.serve(*(mesh.folder for mesh in self.meshes))

    def _kill(self) -> None:
        for process in self._serving:
            process.kill()
            process.wait()
            self._killed.append(process.pid)
        self._serving = []
