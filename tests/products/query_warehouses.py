"""Small tables in DuckDB, PostgreSQL and SQLite, each also with other values in one column.

A variation is a set of tables, by a number that its rows are made of: those of `0` and `1` differ. In
`0.a.id`, those of `0` have other values in `id` of `a`, in the same order.
"""

from __future__ import annotations

import random
import re
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from itertools import count

import duckdb
import psycopg2
from own_database import connected, own_database

from floe_core.reuse.catalogs.catalog import CATALOGS
from floe_core.reuse.queries.analysis import Analysis, Input, analyse
from floe_core.reuse.queries.functions import Functions
from floe_core.sql.columns.known_tables import KnownTable
from floe_core.sql.names import NAMES, Names

# A query that runs for longer counts as one that the warehouse refuses.
TIME_LIMIT_SECONDS = 5.0

Row = tuple[object, ...]
Column = tuple[str, str]  # A table's name, and the column's.
# By column: values, and others that it may have in a variation.
VALUES = {
    "id": ("1 2 3 4", "0 1 2 3 4 5"),
    "name": ("null 'p' 'q'", "null null 'p' 'q' 'r'"),
    "amount": ("null 1 2 3", "null 0 1 2 3 4"),
    "x": ("null 1 2 3", "null 0 1 2 3 4"),
    "day": (" ".join(f"'2026-01-0{n}'" for n in range(1, 7)), "null '2026-01-02' '2026-01-07'"),
    "ts": (
        "null '2026-01-01T10:00' '2026-01-02T11:30' '2026-01-02T12:00'",
        "null '2026-01-02T11:30' '2026-01-03T09:10' '2026-02-01T00:00'",
    ),
    "doc": (
        """null '{"k":1,"t":["p","q"]}' '{"k":2,"t":[]}' '{"k":3,"t":["q"],"s":{"u":"p"}}'""",
        """null '{"k":1,"t":["q"]}' '{"k":5,"t":["r"],"s":{"u":"q"}}' '{"t":["p"]}'""",
    ),
    "tags": ("null '{p,q}' '{q}' '{}'", "null '{p}' '{q,r}' '{r,p,p}'"),
    "place": (
        "null {'city':'p','lat':1} {'city':'q','lat':2}",
        "null {'city':'p','lat':3} {'city':'r','lat':1}",
    ),
}
COLUMNS = {"a": "id name amount day", "b": "id x day", "e": "id ts doc"}
SIZES = {"a": 9, "b": 7, "e": 6}


class QueryWarehouse(ABC):
    """One warehouse with its variations."""

    dialect: str
    types: dict[str, str]
    tables: dict[str, tuple[str, ...]]
    errors: tuple[type[Exception], ...]
    database = "memory"

    def __init__(self, seeds: Sequence[int]) -> None:
        self.seeds = seeds
        self._changes: dict[str, dict[str, set[Column]]] = {}

    @abstractmethod
    def rows(self, query: str) -> list[Row]:
        """Return what a query finds."""

    @abstractmethod
    def find(self, query: str, variation: str) -> tuple[list[str], list[Row]]:
        """Return the columns and rows that a query finds in a variation."""

    @property
    def names(self) -> Names:
        """The rules of names."""
        return NAMES[self.dialect]

    @cached_property
    def functions(self) -> Functions:
        """What the warehouse says of its functions."""
        return CATALOGS[self.dialect].functions(self)  # type: ignore[arg-type]

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The tables as reuse knows them."""
        named = self.tables.items()
        return tuple(
            Input(f"model.shop.{name}", self.database, "main", name, columns)
            for name, columns in named
        )

    @cached_property
    def known(self) -> list[KnownTable]:
        """The tables as lineage knows them."""
        named = self.tables.items()
        return [KnownTable(f"main.{name}", columns, is_complete=True) for name, columns in named]

    def analyse(self, query: str) -> Analysis:
        """Return what reuse says of a query."""
        return analyse(query, self.dialect, self.inputs, self.functions)

    def contents(self, query: str, variation: str) -> dict[str, list[str]]:
        """Return column -> its values, in an order of their own; equal names get numbers."""
        found, rows = self.find(query, variation)
        names: list[str] = []
        for name in found:
            same = (f"{name}_{n}" for n in count(1))
            names.append(name if name not in names else next(n for n in same if n not in names))
        return {name: sorted(repr(row[at]) for row in rows) for at, name in enumerate(names)}

    def values(self, query: str, variation: str) -> dict[str, list[str]]:
        """Return what `contents` does, by the keys of the names."""
        found = self.contents(query, variation)
        return {self.names.key(name): values for name, values in found.items()}

    def values_or_none(self, query: str, variation: str) -> dict[str, list[str]] | None:
        """Return what `values` does, None for a query that the warehouse refuses."""
        try:
            return self.values(query, variation)
        except self.errors:
            return None

    def changes(self, query: str) -> dict[str, set[Column]]:
        """Return result's column -> columns of tables that change it, as far as variations show."""
        if query not in self._changes:
            self._changes[query] = self._find_changes(query)
        return self._changes[query]

    def changes_or_none(self, query: str) -> dict[str, set[Column]] | None:
        """Return what `changes` does, None for a query that the warehouse refuses."""
        try:
            return self.changes(query)
        except self.errors:
            return None

    def _find_changes(self, query: str) -> dict[str, set[Column]]:
        found: dict[str, set[Column]] = {}
        for seed in self.seeds:
            before = self.contents(query, str(seed))
            for table, columns in self.tables.items():
                is_read = re.search(rf"\b{table}\b", query, re.IGNORECASE)
                for column in columns if is_read else ():
                    after = self.contents(query, f"{seed}.{table}.{column}")
                    for name, values in before.items():
                        changed = after.get(name) != values
                        found.setdefault(name, set()).update([(table, column)] if changed else [])
        return found

    def statements(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each variation, and the statements that fill it; `main` is where it is."""
        for seed in self.seeds:
            base = {table: self._rows(table, seed) for table in self.tables}
            yield str(seed), [self._create(table, rows) for table, rows in base.items()]
            for table, columns in self.tables.items():
                for at, column in enumerate(columns):
                    dice = random.Random(f"{seed} {table} {column}")
                    others = VALUES[column][1].split()
                    rows = [(*row[:at], dice.choice(others), *row[at + 1 :]) for row in base[table]]
                    tables = {**base, table: rows}
                    yield (
                        f"{seed}.{table}.{column}",
                        [self._create(each, tables[each]) for each in tables],
                    )

    def _rows(self, table: str, seed: int) -> list[tuple[str, ...]]:
        """Return rows of which no two are equal: `limit` may take either of these."""
        dice = random.Random(f"{seed} {table}")
        values = [VALUES[column][0].split() for column in self.tables[table]]
        rows = (tuple(map(dice.choice, values)) for _ in range(SIZES[table]))
        return list(dict.fromkeys(rows))

    def _create(self, table: str, rows: list[tuple[str, ...]]) -> str:
        columns = self.tables[table]
        defined = ", ".join(f"{column} {self.types[column]}" for column in columns)
        listed = ", ".join(f"({', '.join(row)})" for row in rows)
        return f"create table main.{table} ({defined}); insert into main.{table} values {listed}"


def _tables(more: str) -> dict[str, tuple[str, ...]]:
    return {n: tuple(f"{c} {more if n == 'e' else ''}".split()) for n, c in COLUMNS.items()}


_TYPES = {"id": "int", "name": "varchar", "amount": "int", "x": "int", "day": "date"}


# As PostgreSQL writes it.
_LIST = re.compile(r"'\{([a-z,]*)\}'")


class DuckDBQueries(QueryWarehouse):
    """Each variation is a database in memory."""

    dialect = "duckdb"
    tables = _tables("tags place")
    types = _TYPES | {"ts": "timestamp", "doc": "json", "tags": "varchar[]"}
    types["place"] = "struct(city varchar, lat int)"
    errors = (duckdb.Error, ValueError)

    def __init__(self, seeds: Sequence[int]) -> None:
        super().__init__(seeds)
        self._open()

    def _open(self) -> None:
        self._opened = duckdb.connect()
        for variation, statements in self.statements():
            self._opened.execute(f'attach \':memory:\' as "{variation}"; use "{variation}"')
            for statement in statements:
                self._opened.execute(_LIST.sub(r"'[\1]'", statement))

    def rows(self, query: str) -> list[Row]:
        """See `QueryWarehouse.rows`."""
        return self._opened.execute(query).fetchall()

    def find(self, query: str, variation: str) -> tuple[list[str], list[Row]]:
        """See `QueryWarehouse.find`; after an internal error, a DuckDB is unusable."""
        try:
            self._opened.execute(f'use "{variation}"')
            with limited_time(self._opened.interrupt):
                found = self._opened.execute(query)
                return [column[0] for column in found.description or ()], found.fetchall()
        except (duckdb.InternalException, duckdb.FatalException):
            self._open()
            raise


class PostgresQueries(QueryWarehouse):
    """Each variation is a schema."""

    dialect = "postgres"
    tables = _tables("tags")
    types = _TYPES | {"ts": "timestamp", "doc": "jsonb", "tags": "text[]"}
    errors = (psycopg2.Error, ValueError)  # It has dates that Python has not.

    def __init__(self, seeds: Sequence[int], database: str) -> None:
        super().__init__(seeds)
        self.database = database
        self._opened = connected(database)
        self._cursor = self._opened.cursor()
        self._cursor.execute(f"set statement_timeout = '{TIME_LIMIT_SECONDS}s'")
        for variation, statements in self.statements():
            self._cursor.execute(f'create schema "{variation}"')
            for statement in statements:
                self._cursor.execute(_in_schema(statement, variation))

    def rows(self, query: str) -> list[Row]:
        """See `QueryWarehouse.rows`."""
        self._cursor.execute(query)
        return self._cursor.fetchall()

    def find(self, query: str, variation: str) -> tuple[list[str], list[Row]]:
        """See `QueryWarehouse.find`."""
        self._cursor.execute(_in_schema(query, variation))
        return [each.name for each in self._cursor.description or ()], self._cursor.fetchall()

    def close(self) -> None:
        """Close the connection."""
        self._opened.close()


def _in_schema(text: str, schema: str) -> str:
    return re.sub(r'("main"|\bmain)\.', lambda _: f'"{schema}".', text, flags=re.IGNORECASE)


class SQLiteQueries(QueryWarehouse):
    """Each variation is a database in memory."""

    dialect = "sqlite"
    tables = _tables("")
    types = _TYPES | {"ts": "text", "doc": "text"}
    errors = (sqlite3.Error,)

    def __init__(self, seeds: Sequence[int]) -> None:
        super().__init__(seeds)
        self._opened: dict[str, sqlite3.Connection] = {}
        for variation, statements in self.statements():
            self._opened[variation] = sqlite3.connect(":memory:", check_same_thread=False)
            self._opened[variation].executescript(";".join(statements))

    def rows(self, query: str) -> list[Row]:
        """See `QueryWarehouse.rows`."""
        return next(iter(self._opened.values())).execute(query).fetchall()

    def find(self, query: str, variation: str) -> tuple[list[str], list[Row]]:
        """See `QueryWarehouse.find`."""
        opened = self._opened[variation]
        with limited_time(opened.interrupt):
            found = opened.execute(query)
            return [column[0] for column in found.description or ()], found.fetchall()


@contextmanager
def limited_time(interrupt: Callable[[], None]) -> Iterator[None]:
    """Interrupt the query of the block when its time is over."""
    timer = threading.Timer(TIME_LIMIT_SECONDS, interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def opened(dialect: str, seeds: Sequence[int] = (0, 1)) -> Iterator[QueryWarehouse]:
    """Give a warehouse for the length of the block; see `own_database` for PostgreSQL."""
    if dialect == "postgres":
        with own_database() as database, closing(PostgresQueries(seeds, database)) as warehouse:
            yield warehouse
    else:
        yield DuckDBQueries(seeds) if dialect == "duckdb" else SQLiteQueries(seeds)
