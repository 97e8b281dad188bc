"""Record between a job's runs whether it is failing, and which ends were reported."""

from __future__ import annotations

import json
from urllib.parse import quote

from floe_core.alerts.events_of_run import OpenFailure
from floe_core.alerts.notes import Notes
from floe_core.foundation.errors import EnvironmentProblemError

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
