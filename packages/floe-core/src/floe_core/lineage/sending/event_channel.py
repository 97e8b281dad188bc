"""Send a lineage event from the spool to its backend."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from floe_core.lineage.facets import Json
from floe_core.schemas.policies import LineageSettings
from floe_core.secrets.recognition import known_secrets
from floe_core.secrets.redactor import Redactor
from floe_core.storage.spooling.draining import Drainer, Unsent
from floe_core.storage.spooling.spool import Spool

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent
    from openlineage.client.transport import Transport

    from floe_core.lineage.column_lineage import ColumnLineage

# 4xx responses after which a retry may succeed.
_WORTH_RETRYING = frozenset({408, 425, 429})

_log = logging.getLogger("floe.lineage")


def event_drainer(project_dir: Path, spool: Spool, settings: LineageSettings) -> Drainer:
    """Return the drainer that sends a spool's lineage events."""
    return Drainer(spool, EventChannel(project_dir, spool, settings))


class EventChannel:
    """Sends lineage events with one transport, which is opened when first needed."""

    def __init__(self, project_dir: Path, spool: Spool, settings: LineageSettings) -> None:
        self._project_dir = project_dir
        self._spool = spool
        self._settings = settings
        self._redactor = Redactor(known_secrets(settings.config).values())
        self._columns: ColumnLineage | None = None
        self._transport: Transport | None = None

    def prepare(self, entry: Json) -> RunEvent | None:
        """Return the client's event with its column lineage; None if the entry is not an event."""
        from floe_core.lineage.column_lineage import ColumnLineage
        from floe_core.lineage.sending.transport import as_run_event

        if self._columns is None:
            self._columns = ColumnLineage(self._spool.folder)
        # Whatever goes wrong here, the event is still worth sending without its columns.
        try:
            entry = self._columns.add_to(entry)
        except Exception as error:  # noqa: BLE001
            _log.warning("no column lineage: %s", self._redactor.text(repr(error)))
        try:
            return as_run_event(entry)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def send(self, prepared: RunEvent) -> None:
        """Send an event."""
        from floe_core.lineage.sending.transport import open_transport

        if self._transport is None:
            self._transport = open_transport(self._settings, self._project_dir)
        self._transport.emit(prepared)

    def explain(self, error: Exception) -> Unsent:
        """Return what an error of the transport means for the event."""
        from floe_core.storage.spooling.bounded_requests import seconds_to_wait

        reason = self._redactor.text(f"{type(error).__name__}: {error}")
        if _is_refusal(error):
            return Unsent("refused", reason)
        wait = seconds_to_wait(getattr(error, "response", None))
        return Unsent("failed" if _was_connected(error) else "unreachable", reason, wait)


def _is_refusal(error: Exception) -> bool:
    """Return whether the backend refused this event permanently."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return isinstance(status, int) and 400 <= status < 500 and status not in _WORTH_RETRYING


def _was_connected(error: Exception) -> bool:
    """Return whether a backend may have seen the event that it did not accept."""
    from requests import ConnectionError as NoConnection
    from urllib3.exceptions import ProtocolError

    if not isinstance(error, NoConnection):
        return True
    return bool(error.args) and isinstance(error.args[0], ProtocolError)
