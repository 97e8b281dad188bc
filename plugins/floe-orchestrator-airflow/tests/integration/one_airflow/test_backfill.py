"""Backfills in a real Airflow whose database others write to."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.launch import add_dag
from floe_orchestrator_airflow.local.service import LocalAirflow

TICKS = [datetime(2026, 3, day, 2, 30, tzinfo=UTC) for day in (1, 2, 3)]


def insist(connection: sqlite3.Connection, statement: str) -> None:
    """Run a statement as soon as the lock is free; SQLite's own wait asks less and less often."""
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError:
            time.sleep(0.001)
        else:
            return


@contextmanager
def written_to(database: Path, seconds: float) -> Iterator[None]:
    """Write to a database of Airflow's in long transactions, one after another, for this long.

    Who has read in a transaction and wants to write meanwhile is refused at once by SQLite.
    """
    deadline = time.monotonic() + seconds

    def write() -> None:
        with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
            while time.monotonic() < deadline:
                insist(connection, "begin immediate")
                connection.execute("update slot_pool set description = ?", (str(time.time()),))
                time.sleep(0.05)
                insist(connection, "commit")
                time.sleep(0.02)

    writer = threading.Thread(target=write)
    writer.start()
    yield
    writer.join()


def test_a_backfill_that_the_database_refuses_is_asked_for_again(
    airflow: LocalAirflow, make_product: Callable[..., CompiledArtifacts]
) -> None:
    product = make_product("heldup", {"one.sql": "select 1 as n"}, schedule='{cron: "30 2 * * *"}')
    dag_id = add_dag(airflow, product, product.product.name, lambda _: None)
    first, last = TICKS[0].isoformat(), TICKS[-1].isoformat()

    with written_to(airflow.home.database, seconds=2):
        airflow.api.backfill(dag_id, first, last)

    runs = [airflow.api.runs_at(dag_id, tick.isoformat()) for tick in TICKS]
    assert [len(of_tick) for of_tick in runs] == [1, 1, 1]
