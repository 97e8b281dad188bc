"""Ports for pages: free ones, each for one `floe dev`."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from floe_dev.ports import reserve_port


def test_two_that_start_at_once_get_different_ports() -> None:
    """Neither listens yet; afterwards the port is there for the next."""
    usual, said = free_port(), list[str]()
    with ExitStack() as first, ExitStack() as second:
        assert reserve_port(None, usual, said.append, first) == usual
        assert said == []
        other = reserve_port(None, usual, said.append, second)
        assert other > usual
        assert said == [f"port {usual} is in use, so the pages are at {other}"]
    with ExitStack() as third:
        assert reserve_port(usual, 1, said.append, third) == usual


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
