"""Every planted difference is found and told as what it is; other orders of rows are none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import duckdb
import psycopg2
import pytest
from own_database import SERVER, own_database
from planted_differences import (
    CELLS,
    ON,
    ON_DUCKDB,
    ON_POSTGRES,
    ROW,
    ROWS,
    ROWS_AND_COLUMNS,
    TYPES,
    Planted,
)

from floe_core.schemas.policies import DbtProject
from floe_core.warehouse.connection import open_by_copies, open_warehouse
from floe_core.warehouse.dialect import Relation
from floe_core.warehouse.table_contents import TableContents, contents, table_differences
from floe_core.warehouse.warehouse import Warehouse

ANYWHERE = (*CELLS, *ROWS_AND_COLUMNS)
ROUNDS = 100
# To psycopg2, a month is 30 days.
LOST_BY_THE_DRIVER = ("thirty days for a month",)


class Server(Protocol):
    """A warehouse that tests write to with its own driver, and floe reads."""

    kind: str
    folder: Path

    def run(self, *statements: str) -> None: ...

    def profile(self) -> dict[str, Any]: ...


class DuckDBServer:
    kind = "duckdb"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *statements: str) -> None:
        with duckdb.connect(str(self.folder / "planted.db")) as connection:
            for statement in statements:
                connection.execute(statement)

    def profile(self) -> dict[str, Any]:
        return {"type": "duckdb", "path": "planted.db"}


class PostgresServer:
    kind = "postgres"

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self._database = folder, database

    def run(self, *statements: str) -> None:
        with closing(psycopg2.connect(**SERVER, dbname=self._database)) as connection:
            connection.autocommit = True
            for statement in statements:
                connection.cursor().execute(statement)

    def profile(self) -> dict[str, Any]:
        port = int(SERVER["port"])
        return {"type": "postgres", **SERVER, "port": port, "dbname": self._database, "schema": "s"}


class CopiedServer(PostgresServer):
    """PostgreSQL read as a warehouse is that floe has no SQL for: through copies."""

    copies: Warehouse

    @contextmanager
    def opened(self) -> Iterator[CopiedServer]:
        with closing(open_by_copies(dbt_of(self), self.folder)) as self.copies:
            yield self


@pytest.fixture(scope="module", params=["duckdb", "postgres", "postgres by copies"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("planted")
    if request.param == "duckdb":
        yield began(DuckDBServer(folder))
        return
    with own_database() as database:
        if request.param == "postgres":
            yield began(PostgresServer(folder, database))
            return
        with CopiedServer(folder, database).opened() as copied:
            yield began(copied)


def began(server: Server) -> Server:
    server.run("create schema ours", f"create table ours.t as {ROW} {ON[server.kind]}")
    return server


def dbt_of(server: Server) -> DbtProject:
    return DbtProject(
        project_name="planted",
        profile_name="planted",
        target_name="default",
        adapter=server.kind,
        version="",
        profile=server.profile(),
    )


def both(server: Server) -> tuple[TableContents, TableContents]:
    if isinstance(server, CopiedServer):
        return both_in(server.copies)
    with open_warehouse(dbt_of(server), server.folder) as warehouse:
        return both_in(warehouse)


def both_in(warehouse: Warehouse) -> tuple[TableContents, TableContents]:
    ours, theirs = (contents(warehouse, Relation(name, "t")) for name in ("ours", "theirs"))
    return ours, theirs


def told(server: Server, *changes: str, copy: str = "select * from ours.t") -> list[str]:
    again = ("drop schema if exists theirs cascade", "create schema theirs")
    server.run(*again, f"create table theirs.t as {copy}", *changes)
    return table_differences(("ours", "theirs"), *both(server))


def of_kind(server: Server, planted: Planted) -> bool:
    here = ON_DUCKDB if server.kind == "duckdb" else ON_POSTGRES
    is_lost = isinstance(server, CopiedServer) and planted.name in LOST_BY_THE_DRIVER
    return planted in (*ANYWHERE, *here) and not is_lost


@pytest.mark.parametrize(
    "planted",
    dict.fromkeys((*ANYWHERE, *ON_DUCKDB, *ON_POSTGRES)),
    ids=lambda planted: planted.name,
)
def test_it_is_found_and_named(server: Server, planted: Planted) -> None:
    if not of_kind(server, planted):
        pytest.skip(f"a difference of the other warehouse than {server.kind}, or lost by a driver")
    wanted = [sentence.format(**TYPES[server.kind]) for sentence in planted.told]
    assert told(server, *planted.statements) == wanted


def test_forty_are_planted_on_each() -> None:
    assert min(len(ON_DUCKDB), len(ON_POSTGRES)) + len(ANYWHERE) >= 40


def test_other_orders_of_rows_are_no_difference(server: Server) -> None:
    """Written anew in an order by chance a hundred times, in tables of other ages and layouts."""
    for number in range(ROUNDS):
        order = "order by random()"
        moved = ("update theirs.t set n = n where id % 3 = 0",) if number % 2 else ()
        assert told(server, *moved, copy=f"select * from ours.t {order}") == []


def test_what_is_written_otherwise_and_means_the_same_is_no_difference(server: Server) -> None:
    same = (
        "update theirs.t set moment = cast('2026-10-25 02:37:00+02' as timestamptz) where id = 7",
        "update theirs.t set ratio = cast('nan' as double precision) where id = 3",
        "update theirs.t set amount = 1.7500 where id = 7",
    )
    assert told(server, *same) == []


def test_the_sessions_time_zone_is_of_no_account(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGTZ", "Asia/Kathmandu")
    first = both_after_copy(server)
    monkeypatch.setenv("PGTZ", "America/New_York")
    assert both(server) == first
    assert first[0] == first[1]
    assert first[0].rows == ROWS


def both_after_copy(server: Server) -> tuple[TableContents, TableContents]:
    assert told(server) == []
    return both(server)
