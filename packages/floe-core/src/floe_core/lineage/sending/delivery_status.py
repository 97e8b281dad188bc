"""The delivery status of a product's lineage events: waiting, refused, and how to retry them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from floe_core.lineage.backend import is_configured
from floe_core.lineage.sending.event_channel import event_drainer
from floe_core.schemas.policies import LineageSettings
from floe_core.storage.spooling.draining import Flushed, flush_spool
from floe_core.storage.spooling.spool import Spool, bytes_in, limit_in_bytes, read_json


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event that the backend refused, and why."""

    job: str
    event_type: str
    event_time: str
    reason: str


@dataclass(frozen=True, slots=True)
class LineageStatus:
    """The content of a product's spool. `last_failure` says why waiting events could not be sent.

    `taken` and `limit` are bytes. `full_since` is when an event was first dropped for lack of
    space, "" if none was.
    """

    waiting: int
    refused: tuple[RefusedEvent, ...]
    last_failure: str = ""
    taken: int = 0
    limit: int = 0
    full_since: str = ""


def status(project_dir: Path) -> LineageStatus:
    """Return which events wait in a product's spool, and which were refused."""
    spool = Spool(project_dir, only_read=True)
    return LineageStatus(
        waiting=len(spool.list_waiting()),
        refused=tuple(_read_refused(path) for path in spool.list_refused()),
        last_failure=spool.last_failure(),
        taken=bytes_in((spool.waiting_folder, spool.refused_folder)),
        limit=limit_in_bytes(),
        full_since=spool.full_since(),
    )


def flush(
    project_dir: Path, settings: LineageSettings, timeout: float, *, also_refused: bool = False
) -> Flushed:
    """Send waiting events for up to `timeout` seconds; an event being sent then is completed.

    With `also_refused`, refused events are also sent once more.
    """
    spool = Spool(project_dir)
    if not is_configured(settings, project_dir):
        return Flushed(0, 0, len(spool.list_waiting()), "no lineage backend is configured")
    if also_refused:
        spool.wait_again()
    drainer = event_drainer(project_dir, spool, settings)
    return flush_spool(spool, drainer, time.monotonic() + timeout)


def _read_refused(path: Path) -> RefusedEvent:
    aside = _mapping(read_json(path))
    event = _mapping(aside.get("event"))
    return RefusedEvent(
        job=str(_mapping(event.get("job")).get("name", "")),
        event_type=str(event.get("eventType", "")),
        event_time=str(event.get("eventTime", "")),
        reason=str(aside.get("reason", "the file is damaged")),
    )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
