from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import structlog

from floe_orchestrator_airflow.internals import wait_until_logs_are_read


class Factory:
    """What Airflow configures structlog with in the process of triggers."""

    def __init__(self, channel: socket.socket) -> None:
        self.io = channel.makefile("wb", buffering=0)


@pytest.fixture
def channel() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give both ends of the channel that log records go through."""
    writing, reading = socket.socketpair()
    structlog.configure(logger_factory=Factory(writing))
    yield writing, reading
    structlog.reset_defaults()
    writing.close()
    reading.close()


def waited(seconds: float) -> float:
    began = time.monotonic()
    asyncio.run(wait_until_logs_are_read(seconds))
    return time.monotonic() - began


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone can say")
def test_a_trigger_waits_until_what_it_logged_is_read(
    channel: tuple[socket.socket, socket.socket],
) -> None:
    writing, reading = channel
    writing.sendall(b"a record\n")
    assert waited(0.3) >= 0.3
    reading.recv(4096)
    assert waited(10) < 5


def test_it_waits_for_nothing_where_airflow_logs_in_another_way() -> None:
    assert waited(10) < 5


WITHOUT = """
import sys
sys.argv = ["airflow", "triggerer"]
sys.modules["airflow.models.xcom"] = None
from floe_orchestrator_airflow.airflow_plugin import FloePlugin
FloePlugin.on_load()
"""


def test_the_plugin_loads_and_warns_where_airflow_has_other_names() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Tasks of nodes show the times of the run, not of the node" in done.stderr + done.stdout
