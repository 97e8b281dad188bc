"""Ten million rows on PostgreSQL are hashed where they are: scanned twice at most, and not fetched."""

from __future__ import annotations

import resource
import time
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from own_database import SERVER, own_database, rows

from floe_core.schemas.policies import DbtProject
from floe_core.warehouse.connection import open_warehouse
from floe_core.warehouse.dialect import Relation
from floe_core.warehouse.table_contents import contents

ROWS = 10_000_000
SCANS, MIBIBYTES = 2, 32
READ = "select seq_tup_read from pg_stat_user_tables where relname = 'big'"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_they_are_scanned_twice_at_most_and_take_no_memory_here(tmp_path: Path) -> None:
    with own_database() as database:
        fill(database)
        (before,) = rows(database, READ)[0]
        dbt = DbtProject(
            project_name="big",
            profile_name="big",
            target_name="default",
            adapter="postgres",
            version="",
            profile={"type": "postgres", **SERVER, "port": int(SERVER["port"])}
            | {"dbname": database, "schema": "public"},
        )
        with open_warehouse(dbt, tmp_path) as warehouse:
            contents(warehouse, Relation("public", "small"))
            peak = peak_kibibytes()
            found = contents(warehouse, Relation("public", "big"))
            grown = peak_kibibytes() - peak
        assert found.rows == ROWS
        assert read_since(database, int(str(before))) <= SCANS * ROWS
        assert grown < MIBIBYTES * 1024


def fill(database: str) -> None:
    with closing(psycopg2.connect(**SERVER, dbname=database)) as connection:
        connection.autocommit = True
        columns = "i as id, 'name ' || i % 1000 as name, i / 7.0::float8 as ratio, now() as moment"
        for name, count in (("small", 10), ("big", ROWS)):
            series = f"generate_series(1, {count}) r(i)"
            connection.cursor().execute(f"create table {name} as select {columns} from {series}")


def read_since(database: str, before: int) -> int:
    """Return how many rows scans have read; a session tells its figures when it ends."""
    for _ in range(50):
        (now,) = rows(database, READ)[0]
        if int(str(now)) > before:
            return int(str(now)) - before
        time.sleep(0.2)
    raise AssertionError("the server counted no scan")


def peak_kibibytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
