"""Send what waits in a spool, in order, one drainer at a time."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from filelock import FileLock, Timeout

from floe_core.lineage.environment import referenced_names
from floe_core.lineage.facets import Json
from floe_core.lineage.redaction import Redactor, secrets_of_environment
from floe_core.lineage.spool import Spool
from floe_core.schemas.policies import LineageSettings

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent
    from openlineage.client.transport import Transport

    from floe_core.lineage.column_lineage import ColumnLineage

# 4xx answers that a later try may turn into an acceptance.
_WORTH_RETRYING = frozenset({408, 425, 429})

_log = logging.getLogger("floe.lineage")

Sent = Literal["sent", "refused", "unreachable"]


@dataclass(frozen=True, slots=True)
class Drained:
    """How far draining got. `reason` says why it stopped early, "" when nothing waits any more.

    `is_others_work` says that another process has the spool.
    """

    sent: int = 0
    refused: int = 0
    reason: str = ""
    is_others_work: bool = False


class Drainer:
    """Sends a spool's events with one transport, which is opened when first needed."""

    def __init__(self, project_dir: Path, spool: Spool, settings: LineageSettings) -> None:
        self._project_dir = project_dir
        self._spool = spool
        self._settings = settings
        known = secrets_of_environment(referenced_names(settings.config))
        self._redactor = Redactor(known)
        self._columns: ColumnLineage | None = None
        self._transport: Transport | None = None

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
        sent = refused = 0
        self._spool.remove_abandoned()
        while batch := self._spool.waiting():
            for path in batch:
                if should_stop():
                    return Drained(sent, refused, "stopped before the end")
                outcome, reason = self._send(path)
                if outcome == "unreachable":
                    self._spool.note_failure(reason)
                    return Drained(sent, refused, reason)
                sent, refused = sent + (outcome == "sent"), refused + (outcome == "refused")
        self._spool.note_failure("")
        return Drained(sent, refused)

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
            return "unreachable", reason
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
        except (ValueError, KeyError, TypeError):
            return None

    def _emit(self, event: RunEvent) -> None:
        from floe_core.lineage.transport import open_transport

        if self._transport is None:
            self._transport = open_transport(self._settings, self._project_dir)
        self._transport.emit(event)


def _read(path: Path) -> Json | None:
    """Return the event in a file, None where it holds none."""
    try:
        event = json.loads(path.read_text("utf-8"))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _is_refusal(error: Exception) -> bool:
    """Return whether the backend said for good that it will not have this event."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return isinstance(status, int) and 400 <= status < 500 and status not in _WORTH_RETRYING
