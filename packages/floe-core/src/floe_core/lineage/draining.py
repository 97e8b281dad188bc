"""Send what waits in a spool, in order, one drainer at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from filelock import FileLock, Timeout

from floe_core.lineage.facets import Json
from floe_core.lineage.failed_attempts import ATTEMPTS, ATTEMPTS_ALONE, FailedAttempts
from floe_core.lineage.spool import Spool, read_json
from floe_core.schemas.policies import LineageSettings
from floe_core.secrets.known_values import known_secrets
from floe_core.secrets.redactor import Redactor

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent
    from openlineage.client.transport import Transport

    from floe_core.lineage.column_lineage import ColumnLineage

# 4xx answers that a later try may turn into an acceptance.
_WORTH_RETRYING = frozenset({408, 425, 429})

_log = logging.getLogger("floe.lineage")

# "failed" may be the event's own fault; "unreachable" cannot: no backend has seen it.
Sent = Literal["sent", "refused", "failed", "unreachable"]


@dataclass(frozen=True, slots=True)
class Drained:
    """How far draining got. `reason` says why it stopped early, "" when nothing waits any more.

    `is_others_work` says that another process has the spool.
    """

    sent: int = 0
    refused: int = 0
    reason: str = ""
    is_others_work: bool = False


@dataclass(slots=True)
class _Pass:
    """One going through of what waits. `failing` are the events that were left behind, with why."""

    sent: int = 0
    refused: int = 0
    failing: dict[Path, str] = field(default_factory=dict)
    reason: str = ""

    def left_of(self, waiting: list[Path]) -> list[Path]:
        return [path for path in waiting if path not in self.failing]

    def ended(self, reason: str) -> Drained:
        return Drained(self.sent, self.refused, reason)


class Drainer:
    """Sends a spool's events with one transport, which is opened when first needed."""

    def __init__(self, project_dir: Path, spool: Spool, settings: LineageSettings) -> None:
        self._project_dir = project_dir
        self._spool = spool
        self._settings = settings
        self._redactor = Redactor(known_secrets(settings.config).values())
        self._columns: ColumnLineage | None = None
        self._transport: Transport | None = None
        self._attempts = FailedAttempts(spool.folder)

    def drain(self, should_stop: Callable[[], bool]) -> Drained:
        """Send events until none waits, the backend fails, or it should stop.

        Stops between two events only: one that is being sent is heard out.
        """
        if not self._spool.waiting():
            return Drained()
        try:
            with FileLock(self._spool.folder / "drain.lock", timeout=0):
                return self._drain(should_stop)
        except Timeout:
            return Drained(reason="another process is sending these events", is_others_work=True)

    def _drain(self, should_stop: Callable[[], bool]) -> Drained:
        self._spool.remove_abandoned()
        self._attempts = FailedAttempts(self._spool.folder)
        progress = _Pass()
        while batch := progress.left_of(self._spool.waiting()):
            for path in batch:
                if should_stop():
                    return progress.ended("stopped before the end")
                if progress.failing and self._attempts.of(path) >= ATTEMPTS:
                    progress.failing[path] = progress.reason
                elif not self._go_on_after(path, progress):
                    self._spool.note_failure(progress.reason)
                    return progress.ended(progress.reason)
        if progress.failing:
            self._set_aside_what_waits_alone(progress)
        self._spool.note_failure("" if not progress.failing else progress.reason)
        return progress.ended(progress.reason if progress.failing else "")

    def _go_on_after(self, path: Path, progress: _Pass) -> bool:
        """Send an event; return whether those behind it are to be sent now."""
        outcome, reason = self._send(path)
        if outcome in ("failed", "unreachable"):
            progress.failing[path], progress.reason = reason, reason
            if outcome == "failed":
                self._attempts.note(path, self._spool.waiting())
            return self._attempts.of(path) >= ATTEMPTS and outcome == "failed"
        progress.sent += outcome == "sent"
        progress.refused += outcome == "refused"
        if outcome == "sent":
            # The backend is healthy: it cannot take these events.
            self._set_aside(progress)
        return True

    def _set_aside(self, progress: _Pass) -> None:
        for path, reason in progress.failing.items():
            attempts = f"{self._attempts.of(path)} attempts failed"
            self._spool.refuse(path, f"{attempts}, the last with {reason}")
            progress.refused += 1
        progress.failing.clear()

    def _set_aside_what_waits_alone(self, progress: _Pass) -> None:
        if len(progress.failing) == 1:
            (path,) = progress.failing
            if self._attempts.of(path) >= ATTEMPTS_ALONE:
                self._set_aside(progress)

    def _send(self, path: Path) -> tuple[Sent, str]:
        told = _read(path)
        event = self._as_run_event(told) if told is not None else None
        if event is None:
            self._spool.refuse(path, "the file holds no event")
            return "refused", ""
        # The one place that may catch everything: whatever a transport raises, the event stays.
        try:
            with self._spool.sending():
                self._emit(event)
        except Exception as error:  # noqa: BLE001
            reason = self._redactor.text(f"{type(error).__name__}: {error}")
            if _is_refusal(error):
                self._spool.refuse(path, reason)
                return "refused", reason
            return ("failed" if _was_connected(error) else "unreachable"), reason
        path.unlink(missing_ok=True)
        return "sent", ""

    def _as_run_event(self, event: Json) -> RunEvent | None:
        """Return the event as the client has it, with its column lineage; None if it is none."""
        from floe_core.lineage.column_lineage import ColumnLineage
        from floe_core.lineage.transport import as_run_event

        if self._columns is None:
            self._columns = ColumnLineage(self._spool.folder)
        # Here, too, whatever goes wrong: the event is worth sending without its columns.
        try:
            event = self._columns.added_to(event)
        except Exception as error:  # noqa: BLE001
            _log.warning("no column lineage: %s", self._redactor.text(repr(error)))
        try:
            return as_run_event(event)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def _emit(self, event: RunEvent) -> None:
        from floe_core.lineage.transport import open_transport

        if self._transport is None:
            self._transport = open_transport(self._settings, self._project_dir)
        self._transport.emit(event)


def _read(path: Path) -> Json | None:
    """Return the event in a file, None where it holds none."""
    event = read_json(path)
    return event if isinstance(event, dict) else None


def _is_refusal(error: Exception) -> bool:
    """Return whether the backend said for good that it will not have this event."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return isinstance(status, int) and 400 <= status < 500 and status not in _WORTH_RETRYING


def _was_connected(error: Exception) -> bool:
    """Return whether a backend may have seen the event that it did not take."""
    from requests import ConnectionError as NoConnection
    from urllib3.exceptions import ProtocolError

    if not isinstance(error, NoConnection):
        return True
    return bool(error.args) and isinstance(error.args[0], ProtocolError)
