"""What alerts record between a job's runs: whether it is failing, its deadline, its green runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from floe_core.alerts.lateness import GreenRuns
from floe_core.alerts.notes import Notes
from floe_core.alerts.run_outcome import OpenFailure, RunOutcome, is_whole_and_green
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Deadline

# Longer than the time between two deadlines of a job: none is reported twice.
_KEPT_SECONDS = 8 * 86_400
_REPORTED = "told"


class JobMemory:
    """Notes of a product's jobs."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def open_failure(self, job: str) -> OpenFailure | None:
        """Return a job's current failure, None for none; a damaged note counts as a failure."""
        text = self._notes.read(_failure_note(job))
        if text is None:
            return None
        try:
            node_ids = json.loads(text)
        except ValueError:
            node_ids = []
        return OpenFailure(frozenset(node_ids if isinstance(node_ids, list) else []))

    def note_failure(self, job: str, failure: OpenFailure | None) -> None:
        """Keep a job's current failure."""
        if failure is None:
            self._notes.remove(_failure_note(job))
        else:
            try:
                self._notes.write(_failure_note(job), json.dumps(sorted(failure.node_ids)))
            except EnvironmentProblemError:
                # An empty file counts as a failure too, and a full disk has room for it.
                self._notes.write(_failure_note(job), "")

    def was_reported(self, alert_id: str) -> bool:
        """Return whether the end of a run was already reported."""
        return self._notes.read(f"{_REPORTED}/{alert_id}") is not None

    def note_reported(self, alert_id: str) -> None:
        """Record that the end of a run was reported, and remove old records."""
        self._notes.write(f"{_REPORTED}/{alert_id}", "")
        self._notes.forget(_REPORTED, _KEPT_SECONDS)


def _failure_note(job: str) -> str:
    return f"failing/{quote(job, safe='')}.json"


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
        self._notes.write(_deadline_note(job), json.dumps(noted))

    def _read(self, job: str) -> WatchedDeadline | None:
        """Return the stored note, None if it is missing or damaged."""
        text = self._notes.read(_deadline_note(job))
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


def _deadline_note(job: str) -> str:
    return f"deadlines/{quote(job, safe='')}.json"


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
