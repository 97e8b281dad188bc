"""Take turns at a lock in the order of ticks, across processes.

A file lock alone is taken by whoever tries first, so that a run could overtake those of earlier
ticks, and write over the tables of later ones.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from floe_core.storage.files import hold_if_free

_POLL_SECONDS = 0.2


def take_turn(lock: FileLock, tick: datetime | None, timeout: float) -> None:
    """Acquire the lock, after all that wait for an earlier tick; a run without one is for now.

    Each that waits holds a file of its own beside the lock, whose name says for which tick. The
    files of killed processes are held by nobody.

    Raises:
        Timeout: The lock was not acquired in `timeout` seconds.
    """
    place, deadline = Path(f"{lock.lock_file}.turns"), time.monotonic() + timeout
    moment = (tick or datetime.now(UTC)).astimezone(UTC)
    name = f"{moment:%Y%m%dT%H%M%S}-{time.time_ns()}-{os.getpid()}"
    if _is_first(place, name) and _acquire(lock):
        return
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place / name):
        while not (_is_first(place, name) and _acquire(lock)):
            if time.monotonic() > deadline:
                raise Timeout(lock.lock_file)
            time.sleep(_POLL_SECONDS)
        (place / name).unlink(missing_ok=True)
    with suppress(OSError):
        place.rmdir()


def _acquire(lock: FileLock) -> bool:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    return True


def _is_first(place: Path, name: str) -> bool:
    """Return whether nobody waits for an earlier tick."""
    earlier = (each for each in sorted(place.glob("*")) if each.name < name)
    return not any(map(_is_held, earlier))


def _is_held(file: Path) -> bool:
    """Return whether a process still waits with this file; remove one that is left."""
    with hold_if_free(file) as is_left:
        if is_left:
            file.unlink(missing_ok=True)
        return not is_left
