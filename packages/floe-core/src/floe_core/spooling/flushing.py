"""Send the events that wait in a spool now, trying until a deadline."""

from __future__ import annotations

import time
from dataclasses import dataclass

from floe_core.spooling.draining import Drainer
from floe_core.spooling.spool import Spool

_BETWEEN_TRIES_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Flushed:
    """What a flush did. `reason` says why events still wait, "" if none does.

    `full_since` is when an event was first dropped for lack of space, "" if none was; a flush that
    leaves nothing waiting clears it.
    """

    sent: int
    refused: int
    waiting: int
    reason: str = ""
    full_since: str = ""


def flush_spool(spool: Spool, drainer: Drainer, deadline: float) -> Flushed:
    """Send waiting events until a time of the monotonic clock.

    An event that is being sent then is completed.
    """
    sent = refused = 0
    while True:
        drained = drainer.drain(lambda: time.monotonic() >= deadline)
        sent, refused = sent + drained.sent, refused + drained.refused
        if not drained.reason or time.monotonic() + _BETWEEN_TRIES_SECONDS >= deadline:
            full_since = spool.full_since()
            if not drained.reason:
                spool.forget_fullness()
            return Flushed(sent, refused, len(spool.list_waiting()), drained.reason, full_since)
        time.sleep(_BETWEEN_TRIES_SECONDS)
