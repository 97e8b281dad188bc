"""Column lineage against a corpus whose truth was made by hand."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from .corpus import Query, queries, tables

QUERIES = queries()
# Stated in docs/lineage.md. What is missing there is missing because it cannot be told for sure.
RECALL = 0.9


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


def test_the_corpus_is_found_but_for_what_cannot_be_told() -> None:
    found = sum(len(query.claims() & query.truth) for query in QUERIES)
    assert found / sum(len(query.truth) for query in QUERIES) >= RECALL


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
