"""Runs of the kit's product, each made when a check first needs it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from floe_conformance import kit_product
from floe_conformance.records import RanProduct
from floe_conformance.subject import Subject
from floe_core.lineage import flush
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

NOTHING, FIRST_TRY, STEPS, FAILED_STEP = "nothing", "first try", "steps", "failed step"
MODEL = "model"
STALE_GATE, STALE_REPORT = "stale source, gate", "stale source, report"
_CHANGES = {
    **kit_product.FAILURES,
    FIRST_TRY: kit_product.FIRST_TRY,
    STEPS: kit_product.STEPS,
    FAILED_STEP: kit_product.FAILED_STEP,
    STALE_GATE: kit_product.STALE["gate"],
    STALE_REPORT: kit_product.STALE["report"],
}
# Plugins may send in the background; after this, events that have not arrived count as lost.
PATIENCE_SECONDS = 30.0
SECONDS_TO_HANG = 120.0


@dataclass(frozen=True)
class MadeRun:
    """A run: what the orchestrator recorded about it, and the folder of its product."""

    recorded: RanProduct
    folder: Path

    def holds_the_warehouse(self) -> bool:
        """Return whether a process has the warehouse open for writing, even after a wait."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _is_held(self.folder / kit_product.WAREHOUSE):
            if time.monotonic() > deadline:
                return True
            time.sleep(0.3)
        return False

    def count_builds(self) -> dict[str, int]:
        """Return model -> how often dbt began to build it, from the warehouse."""
        with duckdb.connect(str(self.folder / kit_product.WAREHOUSE), read_only=True) as warehouse:
            rows = warehouse.execute("select model, count(*) from builds group by 1").fetchall()
        return dict(rows)

    def events(self, job: str) -> list[dict[str, Any]]:
        """Return all lineage events, after waiting for the one that ends the run of a job.

        Events that are still unsent on disk after the wait, as on a busy machine, are sent first.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _has_end(events := self._read_events(), job) and time.monotonic() < deadline:
            time.sleep(0.1)
        if _has_end(events, job):
            return events
        flush(self.folder, CompiledArtifacts.load(self.folder).lineage, PATIENCE_SECONDS)
        return self._read_events()

    def _read_events(self) -> list[dict[str, Any]]:
        return _lines(self.folder / kit_product.LINEAGE_FILE)


def _has_end(events: list[dict[str, Any]], job: str) -> bool:
    return any(e["job"]["name"] == job and e["eventType"] != "START" for e in events)


def _is_held(warehouse: Path) -> bool:
    """Return whether DuckDB refuses to open the file in a new process, as another has it open."""
    code = "import duckdb, sys; duckdb.connect(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, warehouse], capture_output=True, check=False)
    return done.returncode != 0


def _lines(file: Path) -> list[dict[str, Any]]:
    text = file.read_text("utf-8") if file.is_file() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


MakeRun = Callable[[str], MadeRun]


class MadeRuns(Subject):
    """Fixtures shared by the checks of runs."""

    @pytest.fixture(scope="class")
    @classmethod
    def ran(cls, tmp_path_factory: pytest.TempPathFactory) -> MakeRun:
        """What fails in a run -> the run, made once."""

        @cache
        def run(what: str) -> MadeRun:
            product = cls.compile(tmp_path_factory.mktemp("run"), _CHANGES.get(what, {}))
            folder = product.folder
            subject = cls()
            definitions = subject.plugin().create_definitions(product)
            return MadeRun(subject.run(definitions, folder), folder)

        if cls.run is Subject.run:
            pytest.skip("run is not supplied")
        return run

    @pytest.fixture(scope="class")
    @classmethod
    def canceled(cls, tmp_path_factory: pytest.TempPathFactory) -> MadeRun:
        """A run that was canceled while a model hung."""
        if cls.run_and_cancel is Subject.run_and_cancel:
            pytest.skip("run_and_cancel is not supplied")
        product = cls.compile(tmp_path_factory.mktemp("canceled"), kit_product.HANGS)
        folder = product.folder
        subject = cls()
        definitions = subject.plugin().create_definitions(product)
        return MadeRun(subject.run_and_cancel(definitions, folder, _watch_for_hang(folder)), folder)


def _watch_for_hang(folder: Path) -> Callable[[], bool]:
    """Return a function that returns whether the model hangs yet, and fails after too long."""
    deadline = time.monotonic() + SECONDS_TO_HANG

    def it_hangs() -> bool:
        assert time.monotonic() < deadline, "the build did not come to the model that hangs"
        return (folder / kit_product.HANGS_FILE).exists()

    return it_hangs
