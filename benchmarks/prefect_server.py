"""A Prefect server for benchmarks, and the flows that they run on it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runs_on_airflow import wait

from floe_orchestrator_prefect.local.own_server import RECORD_TOGETHER

PREFECT_EMPTY = """\
from prefect import flow, task


@task
def nothing():
    return None


@flow
def empty():
    nothing()


if __name__ == "__main__":
    empty()
"""
PREFECT_RUN = "from flow import product; [flow] = product.by_attribute().values(); flow()"


@contextmanager
def prefect_server(home: Path, **variables: str) -> Iterator[dict[str, str]]:
    """Run a server while the block does; give the environment of its flows.

    It records many task runs together, as docs/embedding-prefect.md recommends.
    """
    port = free_port()
    settings = {
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_HOME": str(home),
        # prefect-dbt passes it on to dbt, which has no WARNING.
        "PREFECT_LOGGING_LEVEL": "ERROR",
        **RECORD_TOGETHER,
        **variables,
    }
    prefect = str(Path(sys.executable).with_name("prefect"))
    server = subprocess.Popen(
        [prefect, "server", "start", "--port", str(port), "--no-ui"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **settings},
    )
    try:
        wait(lambda: is_up(port), 120, "starting Prefect's server")
        yield settings
    finally:
        server.terminate()
        server.wait()


def free_port() -> int:
    """Return a port of this machine on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def is_up(port: int) -> bool:
    """Return whether something listens on a port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
