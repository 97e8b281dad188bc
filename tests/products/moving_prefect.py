"""A Prefect server and processes that serve moving products; a test kills any of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from moving_product import Built, MovingProduct
from other_clock import NO_OTHER_CLOCK
from own_database import own_database, url_of
from running_prefect import RunningPrefect

STATES = {"COMPLETED": "success", "FAILED": "failed", "CRASHED": "failed"}


class PrefectOfMoves:
    """A server on PostgreSQL.

    On SQLite, two of the server's own writers wait a minute for each other on a busy machine.
    """

    def __init__(self, folder: Path, clock: Mapping[str, str] = NO_OTHER_CLOCK) -> None:
        self._database, self._servers = ExitStack(), ExitStack()
        database = url_of(self._database.enter_context(own_database()), "asyncpg")
        self.prefect = RunningPrefect(folder, database=database, variables=clock)
        # Held while the server is away: a process that begins to serve then would end, and it
        # answers no question.
        self.restarting = Lock()

    @contextmanager
    def up(self) -> Iterator[None]:
        with self._database, self._servers:
            self._servers.enter_context(self.prefect.up())
            yield

    def restart(self, seconds: float) -> None:
        """Kill the server, and start it again after so many seconds."""
        with self.restarting:
            self.prefect.kill_alone("server")
            time.sleep(seconds)
            self._servers.enter_context(self.prefect.up())


class MovingPrefect:
    """A product that a process serves to a Prefect."""

    name = "prefect"
    faults = ("server", "serve")

    def __init__(self, product: MovingProduct, place: PrefectOfMoves | None = None) -> None:
        self.place = place or PrefectOfMoves(product.folder)
        self._prefect = self.place.prefect
        self.artifacts = product.compile(self.name, {"url": self._prefect.url})
        self._job = product.name
        self._starting = Lock()

    @contextmanager
    def up(self) -> Iterator[None]:
        with self.place.up(), self.deployed():
            yield

    @contextmanager
    def deployed(self) -> Iterator[None]:
        over = Event()
        supervisor = Thread(target=self._supervise, args=(over,))
        with ExitStack() as self._served:
            self._serve()
            supervisor.start()
            try:
                yield
            finally:
                over.set()
                supervisor.join()

    def begin(self) -> None:
        """Do nothing: a served deployment starts its ticks."""

    def strike(self, fault: str, seconds: float) -> None:
        """Kill a process, whose flow runs go on, and start it again after so many seconds."""
        if fault == "server":
            self.place.restart(seconds)
            return
        with self._starting:
            self._prefect.kill_alone(self._job)
            time.sleep(seconds)
            with self.place.restarting:
                self._serve()

    def _supervise(self, over: Event) -> None:
        """Start a process again that has ended, as a supervisor of processes does.

        One of Prefect ends when it has not reached its server for some time.
        """
        while not over.wait(1):
            with self._starting:
                if not over.is_set() and self._prefect.has_ended(self._job):
                    with self.place.restarting:
                        self._serve()

    def _serve(self) -> None:
        serving = self._prefect.serving(self.artifacts.folder, name=self._job)
        self._served.enter_context(serving)

    def ended(self) -> list[Built]:
        """Return the runs that built something; one of another owner's tick is skipped."""
        return [
            Built(
                _tick(run),
                STATES[run["state"]["type"]],
                _at(run["start_time"]),
                _at(run["end_time"]),
            )
            for run in self._runs()
            if run["state"]["type"] in STATES and run["state"]["name"] != "Skipped"
        ]

    def failed_to_begin(self) -> list[datetime]:
        """Return none: such a run is started again, as the same run."""
        return []

    def is_running(self) -> bool:
        under_way = ("PENDING", "RUNNING", "CANCELLING")
        return any(run["state"]["type"] in under_way for run in self._runs())

    def _runs(self) -> list[dict[str, Any]]:
        with self.place.restarting:
            return self._prefect.runs(self._job)


def _tick(run: dict[str, Any]) -> datetime:
    return _at(run["parameters"].get("nominal_time") or run["expected_start_time"])


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
