"""Column lineage against a corpus whose truth was made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from .corpus import Query, hard_queries, queries, tables

CORPUS, HARD = queries(), hard_queries()
QUERIES = [*CORPUS, *HARD]
PAGE = Path(__file__).parents[6] / "docs" / "lineage.md"


# By type: the value of row i, and another value for a value.
VALUES = {
    "integer": ("(i * {place} + {place}) % 5", "{} + 1"),
    "varchar": ("['paid', 'open', 'DE', 'FR'][(i + {place}) % 4 + 1]", "{} || 'x'"),
    "date": ("date '2026-01-01' + (i * 3 % 7)::integer", "{} + 40"),
    "timestamp": ("timestamp '2026-01-01' + to_days((i % 5)::integer)", "null"),
    "varchar[]": ("[i::varchar, 'a']", "list_transform({}, lambda tag: tag || 'x')"),
    "struct(page varchar, ms integer)": (
        "{{'page': i::varchar, 'ms': i}}",
        "{{'page': {0}.page || 'x', 'ms': {0}.ms + 1}}",
    ),
}


def rows(columns: dict[str, str]) -> str:
    return ", ".join(VALUES[kind][0].format(place=n + 1) for n, kind in enumerate(columns.values()))


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as shop")
        connection.execute("use shop")
        for name, columns in tables().items():
            listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            connection.execute(f"create table {name} ({listed})")
            connection.execute(f"insert into {name} select {rows(columns)} from range(6) r(i)")
        yield connection


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_nothing_is_told_that_is_not_true(query: Query) -> None:
    assert query.claims() - query.truth == set()


def recall(queries: list[Query]) -> float:
    found = sum(len(query.claims() & query.truth) for query in queries)
    return found / sum(len(query.truth) for query in queries)


def test_nearly_all_that_is_true_of_hard_queries_is_told() -> None:
    missing = {query.name: query.truth - query.claims() for query in HARD}
    assert recall(HARD) >= 0.95, {name: claims for name, claims in missing.items() if claims}


def test_the_docs_say_how_much_is_found() -> None:
    page = " ".join(PAGE.read_text("utf-8").split())
    on_corpus, on_hard = (f"{recall(queries) * 100:.0f} %" for queries in (CORPUS, HARD))
    assert f"The tests have {len(CORPUS)} queries" in page
    assert f"and {len(HARD)} hard ones" in page
    assert f"recall is {on_corpus} on the first and {on_hard} on the hard ones" in page


@pytest.mark.parametrize(
    "query", [each for each in QUERIES if each.dialect == "duckdb"], ids=lambda query: query.name
)
def test_the_truth_names_the_columns_that_the_warehouse_gives(
    query: Query, warehouse: duckdb.DuckDBPyConnection
) -> None:
    if query.creates:
        warehouse.execute(query.creates.replace("create table", "create or replace table"))
    warehouse.execute(f"create or replace table result as {query.sql}")
    given = warehouse.execute("select * from result").description
    assert tuple(column[0] for column in given or ()) == query.columns


@pytest.mark.long
@pytest.mark.parametrize(
    "query", [each for each in QUERIES if each.dialect == "duckdb"], ids=lambda query: query.name
)
def test_a_column_that_changes_a_result_is_in_the_truth(
    query: Query, warehouse: duckdb.DuckDBPyConnection
) -> None:
    if query.creates:
        warehouse.execute(query.creates.replace("create table", "create or replace table"))
    of_rows = {origin for column, _, origin in query.truth if not column}
    before = contents(query, warehouse)
    untold = set()
    for table, columns in tables().items():
        for name, kind in columns.items():
            warehouse.execute("begin")
            warehouse.execute(f"update {table} set {name} = {VALUES[kind][1].format(name)}")
            after = contents(query, warehouse)
            warehouse.execute("rollback")
            changed = {column for column in query.columns if before[column] != after[column]}
            told = {column for column, _, origin in query.truth if origin == f"{table}.{name}"}
            if f"{table}.{name}" not in of_rows:
                untold |= {(column, f"{table}.{name}") for column in changed - told}
    assert untold == set()


def contents(query: Query, warehouse: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Return the values of each column of a query's result, in any order."""
    found = zip(*warehouse.execute(query.sql).fetchall(), strict=True)
    values = [sorted(map(repr, column)) for column in found]
    return dict(zip(query.columns, values or [[] for _ in query.columns], strict=True))
