"""Keep a job's deadline between runs: since when it is watched, and the green runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from floe_core.alerts.events_of_run import is_whole_and_green
from floe_core.alerts.lateness import GreenRuns
from floe_core.alerts.notes import Notes
from floe_core.alerts.run_outcome import RunOutcome
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Deadline


@dataclass(frozen=True, slots=True)
class WatchedDeadline:
    """A deadline, the moment since which it is watched, and the job's green runs."""

    deadline: Deadline
    since: datetime
    runs: GreenRuns


class DeadlineMemory:
    """Notes of the deadlines of a product's jobs."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def watch(self, job: str, deadline: Deadline, now: datetime) -> WatchedDeadline:
        """Return what is known about a job's deadline; a new one is watched from now on."""
        kept = self._read(job)
        if kept is not None and kept.deadline == deadline:
            return kept
        new = WatchedDeadline(deadline, now, kept.runs if kept else GreenRuns())
        self._keep(job, new)
        return new

    def watch_since(self, job: str, deadline: Deadline, moment: datetime) -> None:
        """Watch a job's deadline from a moment on, whenever it was first checked."""
        self._keep(job, replace(self.watch(job, deadline, moment), since=moment))

    def green_runs(self, job: str) -> GreenRuns:
        """Return what is known about a job's green runs."""
        kept = self._read(job)
        return kept.runs if kept else GreenRuns()

    def note_run(self, artifacts: CompiledArtifacts, outcome: RunOutcome) -> None:
        """Record the end of a run that can meet its job's deadline."""
        job = next((each for each in artifacts.jobs if each.name == outcome.job), None)
        if job is None or job.deadline is None:
            return
        now = datetime.now(UTC)
        watched = self.watch(job.name, job.deadline, now)
        if is_whole_and_green(outcome, (node.unique_id for node in artifacts.nodes_of(job))):
            end = outcome.ended_at or now
            runs = watched.runs.after(end, outcome.nominal_time, job.deadline)
            self._keep(job.name, replace(watched, runs=runs))

    def _keep(self, job: str, watched: WatchedDeadline) -> None:
        runs = watched.runs
        noted = {
            "deadline": watched.deadline.model_dump(),
            "since": watched.since.isoformat(),
            "met": [moment.isoformat() for moment in sorted(runs.met)],
            "last_end": _text(runs.last_end),
            "last_nominal_time": _text(runs.last_nominal_time),
        }
        self._notes.write(_name_of(job), json.dumps(noted))

    def _read(self, job: str) -> WatchedDeadline | None:
        """Return the stored note, None if it is missing or damaged."""
        text = self._notes.read(_name_of(job))
        if text is None:
            return None
        try:
            noted = json.loads(text)
            runs = GreenRuns(
                frozenset(datetime.fromisoformat(each) for each in noted["met"]),
                _moment(noted["last_end"]),
                _moment(noted["last_nominal_time"]),
            )
            deadline = Deadline.model_validate(noted["deadline"])
            return WatchedDeadline(deadline, datetime.fromisoformat(noted["since"]), runs)
        except (ValueError, KeyError, TypeError):
            return None


def _name_of(job: str) -> str:
    return f"deadlines/{quote(job, safe='')}.json"


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
