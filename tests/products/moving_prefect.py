"""A Prefect server and a process that serves a moving product; a test kills either."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any

from moving_product import JOB, Built, MovingProduct
from other_clock import NO_OTHER_CLOCK
from own_database import own_database, url_of
from running_prefect import RunningPrefect

STATES = {"COMPLETED": "success", "FAILED": "failed", "CRASHED": "failed"}


class MovingPrefect:
    """A server on PostgreSQL, and the process that serves the product.

    On SQLite, two of the server's own writers wait a minute for each other on a busy machine.
    """

    name = "prefect"
    faults = ("server", "serve")

    def __init__(self, product: MovingProduct, clock: Mapping[str, str] = NO_OTHER_CLOCK) -> None:
        self._database = ExitStack()
        database = url_of(self._database.enter_context(own_database()), "asyncpg")
        self._prefect = RunningPrefect(product.folder, database=database, variables=clock)
        self.artifacts = product.compile(self.name, {"url": self._prefect.url})

    @contextmanager
    def up(self) -> Iterator[None]:
        with self._database, ExitStack() as self._processes:
            self._start("server")
            self._start("serve")
            yield

    def begin(self) -> None:
        """Do nothing: a served deployment starts its ticks."""

    def strike(self, fault: str, seconds: float) -> None:
        """Kill a process, whose flow runs go on, and start it again after so many seconds."""
        self._prefect.kill_alone(fault)
        time.sleep(seconds)
        self._start(fault)

    def _start(self, process: str) -> None:
        folder = self.artifacts.folder
        up = self._prefect.up() if process == "server" else self._prefect.serving(folder)
        self._processes.enter_context(up)

    def ended(self) -> list[Built]:
        """Return the runs that built something; one of another owner's tick is skipped."""
        return [
            Built(
                _tick(run),
                STATES[run["state"]["type"]],
                _at(run["start_time"]),
                _at(run["end_time"]),
            )
            for run in self._prefect.runs(JOB)
            if run["state"]["type"] in STATES and run["state"]["name"] != "Skipped"
        ]

    def is_running(self) -> bool:
        under_way = ("PENDING", "RUNNING", "CANCELLING")
        return any(run["state"]["type"] in under_way for run in self._prefect.runs(JOB))


def _tick(run: dict[str, Any]) -> datetime:
    return _at(run["parameters"].get("nominal_time") or run["expected_start_time"])


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
