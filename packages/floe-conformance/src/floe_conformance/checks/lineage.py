"""Checks of what `emit_lineage_event` sends, as written by OpenLineage's own file transport."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from floe_conformance import kit_product
from floe_conformance.checks.made_runs import MadeRuns, MakeRun
from floe_conformance.subject import Subject
from floe_core.plugin_interfaces import LINEAGE_EVENT_TYPES, Dataset

JOB = "corner-shop.by_hand"
SOURCE = Dataset("postgres://erp:5432", "erp.public.people")
TARGET = Dataset("duckdb://corner-shop", "corner-shop.main.stg_people")
EVENTS = (
    ("START", JOB),
    ("START", f"{JOB}.other"),
    ("COMPLETE", JOB),
    ("START", JOB),
    ("FAIL", JOB),
)
# Plugins may send in the background; after this, events that have not arrived count as lost.
_PATIENCE_SECONDS = 30.0

Event = dict[str, Any]


class LineageChecks(Subject):
    """Events are valid, START and end share one run, and without a backend nothing happens."""

    @pytest.fixture(scope="class")
    @classmethod
    def events(cls, tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
        """The events of `EVENTS`, in the order in which a backend received them."""
        folder = tmp_path_factory.mktemp("lineage")
        sent = folder / "events.jsonl"
        transport = {"type": "file", "log_file_path": str(sent), "append": True}
        with _lineage_environment(folder) as patch:
            settings = folder / "openlineage.yml"
            settings.write_text(json.dumps({"transport": transport}), encoding="utf-8")
            patch.setenv("OPENLINEAGE_CONFIG", str(settings))
            plugin = cls().plugin()
            for event_type, job in EVENTS:
                plugin.emit_lineage_event(event_type, job, [SOURCE], [TARGET])
            return _wait_for_events(sent, len(EVENTS))

    def test_every_lineage_event_arrives_in_order(self, events: list[Event]) -> None:
        """Type, job and datasets are those of the calls."""
        received = [(e["eventType"], e["job"]["name"], *_datasets(e)) for e in events]
        source, target = (SOURCE.namespace, SOURCE.name), (TARGET.namespace, TARGET.name)
        assert received == [(kind, job, [source], [target]) for kind, job in EVENTS]

    def test_every_lineage_event_is_openlineages(self, events: list[Event]) -> None:
        """It has the fields that the specification requires, in the required form."""
        assert [_faults(event) for event in events] == [[] for _ in events]

    def test_a_run_ends_as_the_run_that_began(self, events: list[Event]) -> None:
        """COMPLETE and FAIL carry the run ID of the last START of the same job."""
        runs = [event["run"]["runId"] for event in events]
        numbered = [runs.index(run) for run in runs]
        assert numbered == [0, 1, 0, 3, 3][: len(runs)]

    def test_an_unknown_event_type_is_refused_with_those_there_are(self, tmp_path: Path) -> None:
        """`ValueError` that names the event types, even without a lineage backend."""
        with _lineage_environment(tmp_path), pytest.raises(ValueError) as refused:  # noqa: PT011
            self.plugin().emit_lineage_event("DONE", JOB, [], [])
        assert [kind for kind in LINEAGE_EVENT_TYPES if kind not in str(refused.value)] == []

    def test_without_a_lineage_backend_nothing_happens(self, tmp_path: Path) -> None:
        """No exception is raised, and no file is written."""
        with _lineage_environment(tmp_path):
            self.plugin().emit_lineage_event("START", JOB, [SOURCE], [TARGET])
            self.plugin().emit_lineage_event("COMPLETE", JOB, [SOURCE], [TARGET])
        assert list(tmp_path.iterdir()) == []


@contextmanager
def _lineage_environment(folder: Path) -> Iterator[pytest.MonkeyPatch]:
    """Change to a folder, with no lineage backend in the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("OPENLINEAGE")]:
            patch.delenv(name)
        patch.setenv("HOME", str(folder))
        patch.chdir(folder)
        yield patch


def _wait_for_events(file: Path, count: int) -> list[Event]:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        lines = file.read_text("utf-8").splitlines() if file.is_file() else []
        if len(lines) >= count or time.monotonic() > deadline:
            return [json.loads(line) for line in lines]
        time.sleep(0.1)


def _datasets(event: Event) -> Iterator[list[tuple[str, str]]]:
    for side in ("inputs", "outputs"):
        yield [(dataset["namespace"], dataset["name"]) for dataset in event.get(side, ())]


def _faults(event: Event) -> list[str]:
    """Return the fields of a run event that do not conform to OpenLineage 2-0-2."""
    claims = {
        "eventType": event.get("eventType") in LINEAGE_EVENT_TYPES,
        "eventTime": _is_aware_time(event.get("eventTime")),
        "run.runId": _is_uuid(event.get("run", {}).get("runId")),
        "job.namespace": bool(event.get("job", {}).get("namespace")),
        "job.name": bool(event.get("job", {}).get("name")),
        "producer": "://" in str(event.get("producer")),
        "schemaURL": "RunEvent" in str(event.get("schemaURL")),
    }
    return [field for field, holds in claims.items() if not holds]


def _is_aware_time(text: object) -> bool:
    try:
        return datetime.fromisoformat(str(text)).tzinfo is not None
    except ValueError:
        return False


def _is_uuid(text: object) -> bool:
    try:
        return str(UUID(str(text))) == text
    except ValueError:
        return False


class RunLineageChecks(MadeRuns):
    """Each node is emitted once, from START to its end, with a run of the product as parent.

    Skipped if `run` is not implemented.
    """

    @pytest.mark.parametrize("what", kit_product.EXPECTED_EVENTS)
    def test_a_run_reports_each_node_once_and_how_it_ended(self, what: str, ran: MakeRun) -> None:
        """COMPLETE, FAIL, or ABORT if it was skipped, after a START of the same run."""
        reported = list(_runs(ran(what).events(kit_product.NAME)))
        assert sorted(reported) == [
            (job, "START", end) for job, end in sorted(kit_product.EXPECTED_EVENTS[what].items())
        ]


def _runs(events: Sequence[Event]) -> Iterator[tuple[str, ...]]:
    """Yield each run's job and event types, and `alone` if its parent is not among the runs."""
    runs: dict[str, list[Event]] = {}
    for event in events:
        runs.setdefault(event["run"]["runId"], []).append(event)
    for of_run in runs.values():
        job = of_run[0]["job"]["name"]
        is_below = job == kit_product.NAME or _parents(of_run) <= set(runs)
        types = [event["eventType"] for event in of_run]
        yield (job, *types) if is_below else (job, *types, "alone")


def _parents(events: Sequence[Event]) -> set[str]:
    """Return the runs that these events name as parent; "" stands for no parent."""
    facets = [event["run"].get("facets", {}).get("parent", {}) for event in events]
    return {facet.get("run", {}).get("runId", "") for facet in facets}
