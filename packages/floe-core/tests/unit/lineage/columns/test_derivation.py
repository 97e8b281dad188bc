"""Column lineage against a corpus whose truth was made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from .corpus import Query, queries, tables

QUERIES = queries()
PAGE = Path(__file__).parents[6] / "docs" / "lineage.md"


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as shop")
        connection.execute("use shop")
        for name, columns in tables().items():
            listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            connection.execute(f"create table {name} ({listed})")
        yield connection


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_nothing_is_told_that_is_not_true(query: Query) -> None:
    assert query.claims() - query.truth == set()


def test_the_docs_say_how_much_is_found() -> None:
    found = sum(len(query.claims() & query.truth) for query in QUERIES)
    recall = found / sum(len(query.truth) for query in QUERIES)
    page = " ".join(PAGE.read_text("utf-8").split())
    assert f"In a corpus of {len(QUERIES)} queries" in page
    assert f"{recall:.0%}".replace("%", " %") + " of what is true is told" in page


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
