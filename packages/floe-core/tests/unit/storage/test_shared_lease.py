"""One process at a time holds a lease; a dead holder's goes to who waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from floe_core.storage import shared_lease
from floe_core.storage.shared_lease import LeaseHeldError, SharedLease
from floe_core.storage.shared_text import SharedText, shared_text

# Holds the lease at argv[1] until it is killed, and says when it has it.
HOLDER = """
import sys, time
from floe_core.storage import shared_lease
from floe_core.storage.shared_text import shared_text
shared_lease.RENEW_SECONDS = 0.1
lease = shared_lease.SharedLease(shared_text(sys.argv[1], "build"), "other")
lease.acquire(10)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_lease, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(shared_lease, "RENEW_SECONDS", 0.1)


@pytest.fixture
def text(tmp_path: Path) -> SharedText:
    return shared_text(str(tmp_path), "build")


def test_who_waits_gets_it_once_it_is_released(text: SharedText) -> None:
    one, two = SharedLease(text, "one"), SharedLease(text, "two")
    one.acquire(0)
    with pytest.raises(LeaseHeldError, match="one"):
        two.acquire(0.1)
    threading.Timer(0.3, one.release).start()
    two.acquire(60)
    assert not two.is_lost
    two.release()


def test_many_that_ask_at_once_hold_it_one_after_the_other(text: SharedText) -> None:
    inside: list[int] = []
    most: list[int] = []

    def hold(number: int) -> None:
        lease = SharedLease(text, str(number))
        lease.acquire(60)
        inside.append(number)
        most.append(len(inside))
        time.sleep(0.02)
        inside.remove(number)
        lease.release()

    threads = [threading.Thread(target=hold, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


@pytest.mark.long
def test_a_killed_holders_lease_is_taken_over_and_a_live_ones_is_not(
    tmp_path: Path, text: SharedText, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_lease, "LEASE_SECONDS", 8.0)
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        lease = SharedLease(text, "own")
        with pytest.raises(LeaseHeldError, match="other"):
            lease.acquire(10)
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        lease.acquire(60)
        lease.release()


def test_a_holder_that_stood_still_learns_that_it_was_taken_over(
    tmp_path: Path, text: SharedText, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_lease, "LEASE_SECONDS", 0.5)
    monkeypatch.setattr(shared_lease, "RENEW_SECONDS", 3600)
    slow = SharedLease(text, "slow")
    slow.acquire(0)
    assert not slow.is_lost
    other = SharedLease(text, "other")
    other.acquire(60)
    assert slow.is_lost
    # It leaves the other's lease alone.
    slow.release()
    with pytest.raises(LeaseHeldError, match="other"):
        SharedLease(text, "third").acquire(0)
    other.release()


def test_a_damaged_text_is_held_by_nobody(tmp_path: Path, text: SharedText) -> None:
    (tmp_path / "build.json").write_text("{half")
    lease = SharedLease(text, "own")
    lease.acquire(0)
    lease.release()
