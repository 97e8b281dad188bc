"""The main loop of a sending process, until its parent ends it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping

from floe_core.spooling.draining import Drainer
from floe_core.spooling.spool import Spool

_LOOK_EVERY_SECONDS = 0.1
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0


class _Orders:
    """The parent's orders: go on, send what waits and end, or stop."""

    def __init__(self) -> None:
        self.finish = threading.Event()
        self.stop = threading.Event()
        self._changed = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def pause(self, seconds: float) -> None:
        """Wait for some seconds, or until the parent sends something."""
        self._changed.wait(seconds)
        self._changed.clear()

    def _listen(self) -> None:
        for line in sys.stdin:
            if line.strip() == "finish":
                self.finish.set()
                self._changed.set()
        self.stop.set()
        self._changed.set()


class _Turn:
    """One spool's drainer, and the time of its next attempt."""

    def __init__(self, drainer: Drainer) -> None:
        self._drainer = drainer
        self._pause = _FIRST_PAUSE_SECONDS
        self._try_at = 0.0
        self.is_done = False
        self.has_left = False

    def take(self, should_stop: Callable[[], bool], is_last: bool) -> None:
        """Drain if it is time to, or if this is the last turn."""
        if not is_last and time.monotonic() < self._try_at:
            return
        drained = self._drainer.drain(should_stop)
        if drained.is_others_work:
            self._pause, self._try_at = _FIRST_PAUSE_SECONDS, 0.0
            return
        self.is_done, self.has_left = is_last, bool(drained.reason)
        if drained.reason:
            self._try_at = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
        else:
            self._pause, self._try_at = _FIRST_PAUSE_SECONDS, 0.0


def serve(drainers: Mapping[Spool, Drainer], *, finishes_alone: bool = False) -> int:
    """Drain until standard input ends or contains "finish". Return 0 if nothing waits.

    With `finishes_alone`, the turn after "finish" is completed even if the parent is gone.
    """
    turns = [_Turn(drainer) for drainer in drainers.values()]
    orders = _Orders()

    def should_stop() -> bool:
        return orders.stop.is_set() and not (finishes_alone and orders.finish.is_set())

    while not should_stop():
        is_last = orders.finish.is_set()
        for turn in turns:
            if not turn.is_done:
                turn.take(should_stop, is_last)
        if all(turn.is_done for turn in turns):
            return 1 if any(turn.has_left for turn in turns) else 0
        orders.pause(_LOOK_EVERY_SECONDS)
    return 1 if any(spool.list_waiting() for spool in drainers) else 0
