"""The hashes that floe brings to SQLite, compared with what Python says of the rows."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from contextlib import closing
from typing import Any

import pytest

from floe_core.warehouse.dialect import Relation
from floe_core.warehouse.sqlite_dialect import SQLite
from floe_core.warehouse.table_contents import contents
from floe_core.warehouse.warehouse import SQLWarehouse, Warehouse


class File(SQLWarehouse):
    dialect = SQLite()

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.dialect.prepare(connection)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def run(self, statement: str) -> None:
        self.connection.execute(statement)


def write(warehouse: Warehouse, name: str, rows: list[tuple[Any, ...]], width: int) -> Relation:
    warehouse.run(f"create table {name} ({', '.join(f'c{n}' for n in range(width))})")
    assert isinstance(warehouse, File)
    warehouse.connection.executemany(f"insert into {name} values ({', '.join('?' * width)})", rows)
    return Relation("main", name)


# SQLite passes at most 127 values to a function, and a table may have 2,000 columns.
@pytest.mark.parametrize("width", [1, 3, 100, 101, 128, 1000])
def test_tables_are_equal_if_their_rows_are(width: int) -> None:
    chosen = random.Random(width)
    values = [None, 0, 1, "", "1", 1.5, b"1", "a"]
    rows = [tuple(chosen.choice(values) for _ in range(width)) for _ in range(30)]
    shuffled = chosen.sample(rows, len(rows))
    row, column = chosen.randrange(30), chosen.randrange(width)
    other = list(rows)
    other[row] = (*rows[row][:column], "other", *rows[row][column + 1 :])
    with closing(sqlite3.connect(":memory:")) as connection:
        warehouse = File(connection)
        ours, same, theirs = (
            contents(warehouse, write(warehouse, name, each, width))
            for name, each in (("a", rows), ("b", shuffled), ("c", other))
        )
    assert ours == same
    assert [n for n, m in zip(ours.columns, theirs.columns, strict=True) if n != m] == [
        ours.columns[column]
    ]
    assert ours.row_hash != theirs.row_hash
    assert Counter(rows) != Counter(other)


def test_a_table_without_rows_has_sums_of_zero() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        warehouse = File(connection)
        found = contents(warehouse, write(warehouse, "empty", [], 2))
    assert (found.rows, found.row_hash, found.columns) == (0, 0, (("c0", "", 0), ("c1", "", 0)))
