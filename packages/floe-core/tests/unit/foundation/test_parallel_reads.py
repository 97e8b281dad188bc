"""Reads over the network wait for their answers at the same time."""

from __future__ import annotations

import threading

import pytest

from floe_core.foundation.service_probe import AT_ONCE, read_in_threads


def test_what_is_read_is_in_order_and_read_at_once() -> None:
    all_wait = threading.Barrier(AT_ONCE)

    def read(number: int) -> int:
        all_wait.wait(10)
        return number * 2

    assert read_in_threads(read, range(2 * AT_ONCE)) == [2 * n for n in range(2 * AT_ONCE)]


def test_an_error_is_raised() -> None:
    def read(number: int) -> int:
        return 1 // number

    with pytest.raises(ZeroDivisionError):
        read_in_threads(read, [1, 0, 2])
