"""A sender that is killed while it sends."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from wait_for import wait_for

from floe_core.lineage.sending.delivery import Delivery
from floe_core.lineage.sending.delivery_status import flush, status

from .conftest import Backend
from .test_delivery import fill, names, to


def test_a_killed_sender_loses_nothing_and_only_what_it_was_sending_comes_twice(
    backend: Backend, project_dir: Path
) -> None:
    sending, is_killed = threading.Event(), threading.Event()

    def hold_the_sixth(number: int) -> int:
        if number == 5:
            sending.set()
            is_killed.wait(20)
        return 201

    backend.behave = hold_the_sixth
    expected = fill(project_dir, 20)
    delivery = Delivery(project_dir, to(backend))
    delivery.start()
    assert sending.wait(20)
    assert delivery._process is not None
    os.kill(delivery._process.pid, signal.SIGKILL)
    delivery._process.wait()
    is_killed.set()
    # The backend has taken it; nobody was left to hear so.
    wait_for(lambda: len(backend.events) >= 6)
    assert status(project_dir).waiting == 15
    assert flush(project_dir, to(backend), 20).sent == 15
    assert names(backend.events) == [*expected[:6], *expected[5:]]


@pytest.mark.long
def test_senders_that_are_killed_again_and_again_leave_nothing_unsent(
    backend: Backend, project_dir: Path
) -> None:
    expected = fill(project_dir, 120)
    backend.behave = lambda number: time.sleep(0.01) or 201  # type: ignore[func-returns-value]
    kills = 0
    while status(project_dir).waiting > 40:
        delivery = Delivery(project_dir, to(backend))
        delivery.start()
        backend.wait_for(len(backend.events) + 25, every=0.005)
        assert delivery._process is not None
        os.kill(delivery._process.pid, signal.SIGKILL)
        delivery._process.wait()
        kills += 1
    flush(project_dir, to(backend), 20)
    received = names(backend.events)
    assert list(dict.fromkeys(received)) == expected
    assert kills >= 3
    assert len(received) <= len(expected) + kills
