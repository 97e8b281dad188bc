from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock, Timeout
from wait_for import wait_for

from floe_core.execution.warehouse_lock import take_turn

WAIT = """\
import sys
from datetime import datetime
from filelock import FileLock
from floe_core.execution.warehouse_lock import take_turn

lock = FileLock(sys.argv[1])
take_turn(lock, datetime.fromisoformat(sys.argv[2]), 60)
print(sys.argv[2], file=open(sys.argv[3], "a"), flush=True)
lock.release()
"""
TICKS = [f"2026-11-03T13:{minute}:00+00:00" for minute in (53, 50, 52, 51, 54)]


def waiting(place: Path, count: int) -> Callable[[], bool]:
    return lambda: len(list(place.glob("*"))) == count


def test_those_that_wait_take_turns_in_the_order_of_their_ticks(tmp_path: Path) -> None:
    path, told = tmp_path / "lock", tmp_path / "told"
    lock = FileLock(path)
    take_turn(lock, None, 1)
    started = []
    for number, tick in enumerate(TICKS, start=1):
        started.append(subprocess.Popen([sys.executable, "-c", WAIT, path, tick, told]))
        wait_for(waiting(tmp_path / "lock.turns", number))
    # One of them is killed, and holds nobody up.
    started[TICKS.index(killed := min(TICKS))].send_signal(signal.SIGKILL)
    started[TICKS.index(killed)].wait()
    lock.release()
    for process in started:
        process.wait(60)
    assert told.read_text().split() == sorted(set(TICKS) - {killed})
    assert not (tmp_path / "lock.turns").exists()


def test_a_turn_that_does_not_come_in_time_is_given_up(tmp_path: Path) -> None:
    holder = FileLock(tmp_path / "lock")
    take_turn(holder, None, 1)
    with pytest.raises(Timeout):
        take_turn(FileLock(tmp_path / "lock"), datetime(2026, 11, 3, tzinfo=UTC), 0.5)
    holder.release()
    take_turn(FileLock(tmp_path / "lock"), datetime(2026, 11, 4, tzinfo=UTC), 0.5)
