from __future__ import annotations

import time
from collections.abc import Callable


def wait_for(is_so: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is so; an assertion fails when it is not in time."""
    deadline, pause = time.monotonic() + seconds, 0.02
    while not is_so():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(pause)
        pause = min(2 * pause, 0.3)


def wait_a_while_for(is_so: Callable[[], bool], seconds: float, every: float = 1.0) -> None:
    """Wait until something is so, and no longer than this; who asks sees what came of it."""
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(every)


def wait_while_it_moves(
    is_so: Callable[[], bool], look: Callable[[], object], patience: float
) -> None:
    """Wait until something is so, however long it takes on a busy machine.

    An assertion fails when what `look` returns has not changed for `patience` seconds.
    """
    seen, latest = look(), time.monotonic()
    while not is_so():
        now = look()
        if now != seen:
            seen, latest = now, time.monotonic()
        assert time.monotonic() - latest < patience, f"{seen} for {patience} s"
        time.sleep(0.5)
