"""Allow only one build at a time in a single-writer warehouse, across processes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.storage.files import hold_if_free
from floe_core.storage.state_folder import make_ignored, place_below
from floe_core.warehouse.dialects import dialect_of

_POLL_SECONDS = 0.2


def take_turn(lock: FileLock, tick: datetime | None, timeout: float) -> None:
    """Acquire the lock, after all that wait for an earlier tick; a run without one is for now.

    A file lock alone is taken by whoever tries first, so that a run could overtake those of earlier
    ticks, and write over the tables of later ones.
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


class WarehouseHold:
    """A build's hold on its warehouse, until the build has ended and nothing in it still writes."""

    def __init__(self, release: Callable[[], object] = lambda: None) -> None:
        self._release = release
        self._wait: Callable[[], object] | None = None

    def keep_until(self, wait: Callable[[], object]) -> None:
        """Hold the warehouse until `wait` returns, even if the build ends before."""
        self._wait = wait

    def release(self) -> None:
        """Release the warehouse, in the background if something still writes to it."""
        if self._wait is None:
            self._release()
        else:
            threading.Thread(target=self._release_after, args=(self._wait,), daemon=True).start()

    def _release_after(self, wait: Callable[[], object]) -> None:
        wait()
        self._release()


def lock_file(warehouse: Path) -> Path:
    """Return the lock of a warehouse's file, by whatever links and from wherever it is named.

    It is in `.floe` beside the file, since products, users and containers that share the file may
    share nothing else.
    """
    file = warehouse.resolve()
    return place_below(file.parent, ".floe") / f"{file.name}.lock"


@contextmanager
def sole_writer(
    profile: dict[str, Any], project_dir: Path, timeout: float, tick: datetime | None = None
) -> Iterator[WarehouseHold]:
    """Hold the warehouse for this build; at once if the warehouse allows several writers.

    Waits up to `timeout` seconds for another build that holds it, and for builds of earlier ticks
    that wait. The lock ends with the process that holds it, however that ends.

    Raises:
        EnvironmentProblemError: Another build still holds it after that time, or it has no lock.
    """
    path = dialect_of(str(profile.get("type"))).file_of_one_writer(profile, project_dir)
    if path is None:
        yield WarehouseHold()
        return
    file = lock_file(path)
    # A different thread may release it.
    lock = FileLock(file, thread_local=False)
    try:
        make_ignored(file.parent)
        take_turn(lock, tick, timeout)
    except Timeout:
        raise EnvironmentProblemError(
            f"{path} is in use by another build, for more than {timeout:.0f} s; it takes one "
            "writer at a time"
        ) from None
    except OSError as error:
        raise EnvironmentProblemError(f"{file}: cannot be written: {error.strerror}") from error
    hold = WarehouseHold(lock.release)
    try:
        yield hold
    finally:
        hold.release()
