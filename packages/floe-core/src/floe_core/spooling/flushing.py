"""Send what waits in a spool now, trying for a while."""

from __future__ import annotations

import time
from dataclasses import dataclass

from floe_core.spooling.draining import Drainer
from floe_core.spooling.spool import Spool

_BETWEEN_TRIES_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Flushed:
    """What a flush did. `reason` says why events still wait, "" when none does.

    `full_since` is when events were first not kept for want of room, "" where all were; a flush
    that leaves nothing waiting forgets it.
    """

    sent: int
    refused: int
    waiting: int
    reason: str = ""
    full_since: str = ""


def flush_spool(spool: Spool, drainer: Drainer, deadline: float) -> Flushed:
    """Send what waits, trying until a moment of the monotonic clock.

    An event that is being sent then is heard out.
    """
    sent = refused = 0
    while True:
        drained = drainer.drain(lambda: time.monotonic() >= deadline)
        sent, refused = sent + drained.sent, refused + drained.refused
        if not drained.reason or time.monotonic() + _BETWEEN_TRIES_SECONDS >= deadline:
            full_since = spool.full_since()
            if not drained.reason:
                spool.forget_fullness()
            return Flushed(sent, refused, len(spool.waiting()), drained.reason, full_since)
        time.sleep(_BETWEEN_TRIES_SECONDS)
