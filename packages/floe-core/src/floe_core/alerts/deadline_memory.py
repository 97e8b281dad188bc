"""What is known of a job's deadline between runs: since when it is watched, and the green runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from floe_core.alerts.events_of_run import is_whole_and_green
from floe_core.alerts.lateness import GreenRuns
from floe_core.alerts.run_outcome import RunOutcome
from floe_core.atomic_files import write_together
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Deadline


@dataclass(frozen=True, slots=True)
class WatchedDeadline:
    """A deadline, the moment from which somebody looked at it, and the job's green runs."""

    deadline: Deadline
    since: datetime
    runs: GreenRuns


class DeadlineMemory:
    """Files below the folder of a product's alerts. Only who holds its lock uses them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "deadlines"

    def watched(self, job: str, deadline: Deadline, now: datetime) -> WatchedDeadline:
        """Return what is known of a job's deadline; one that is new is watched from now on."""
        kept = self._read(job)
        if kept is not None and kept.deadline == deadline:
            return kept
        new = WatchedDeadline(deadline, now, kept.runs if kept else GreenRuns())
        self._keep(job, new)
        return new

    def note_run(self, artifacts: CompiledArtifacts, outcome: RunOutcome) -> None:
        """Keep the end of a run that can meet its job's deadline."""
        job = next((each for each in artifacts.jobs if each.name == outcome.job), None)
        if job is None or job.deadline is None:
            return
        now = datetime.now(UTC)
        watched = self.watched(job.name, job.deadline, now)
        if is_whole_and_green(outcome, (node.unique_id for node in artifacts.nodes_of(job))):
            end = outcome.ended_at or now
            runs = watched.runs.after(end, outcome.nominal_time, job.deadline)
            self._keep(job.name, replace(watched, runs=runs))

    def _keep(self, job: str, watched: WatchedDeadline) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        runs = watched.runs
        noted = {
            "deadline": watched.deadline.model_dump(),
            "since": watched.since.isoformat(),
            "met": [moment.isoformat() for moment in sorted(runs.met)],
            "last_end": _text(runs.last_end),
            "last_nominal_time": _text(runs.last_nominal_time),
        }
        write_together(self._folder, {_file_name(job): json.dumps(noted).encode()})

    def _read(self, job: str) -> WatchedDeadline | None:
        """Return what is kept, None for nothing or a damaged note."""
        try:
            noted = json.loads((self._folder / _file_name(job)).read_text("utf-8"))
            runs = GreenRuns(
                frozenset(datetime.fromisoformat(each) for each in noted["met"]),
                _moment(noted["last_end"]),
                _moment(noted["last_nominal_time"]),
            )
            deadline = Deadline.model_validate(noted["deadline"])
            return WatchedDeadline(deadline, datetime.fromisoformat(noted["since"]), runs)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None


def _file_name(job: str) -> str:
    return f"{quote(job, safe='')}.json"


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
