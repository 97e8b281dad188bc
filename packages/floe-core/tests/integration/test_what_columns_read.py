"""What reuse and lineage say that a column reads, beside the warehouses themselves.

Each query runs on small tables, and again with other values in one column of them: whatever comes
out otherwise must read that column. And where a changed query has a column with the same hash, this
column must have the same values.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from query_corpus import DIALECTS, all_queries_of, marked, queries_of
from query_warehouses import Column, QueryWarehouse, opened
from random_queries import change_phrase, change_word, own_words, write_phrase

from floe_core.reuse.queries.parts import WHOLE, Part
from floe_core.sql.columns.origins import Origins
from floe_core.sql.query_columns import derive

HEADINGS = [(dialect, heading) for dialect in DIALECTS for heading in queries_of(dialect)]
# sqlglot takes the e of `1.exists` for part of the number; the others may go on for very long.
NOT_TRIED = re.compile(r"\d\.e|recursive|range|series|repeat|pad", re.IGNORECASE)

Open = Callable[[str], QueryWarehouse]


@pytest.fixture(scope="module")
def warehouse_of() -> Iterator[Open]:
    with ExitStack() as stack:
        yield cache(lambda dialect: stack.enter_context(opened(dialect)))


def test_there_are_five_hundred_written_queries() -> None:
    assert len({query for dialect in DIALECTS for query in all_queries_of(dialect)}) >= 500


@pytest.mark.parametrize(("dialect", "heading"), HEADINGS)
def test_what_a_column_does_not_read_cannot_change_it(
    dialect: str, heading: str, warehouse_of: Open
) -> None:
    warehouse, missing = warehouse_of(dialect), {}
    for query in queries_of(dialect)[heading]:
        found, changes = warehouse.analyse(query), warehouse.changes(query)
        if found.columns is None:
            # All of each table counts.
            assert {(leaf.parent, leaf.column) for leaf in found.reads} == {
                (each.node_id, WHOLE) for each in warehouse.inputs
            }
        elif not found.never:
            keys = {name: warehouse.names.key(name) for name in changes}
            assert list(keys.values()) == list(found.columns), query
            missing[query] = {
                (name, column)
                for name, columns in changes.items()
                for column in columns
                if not reads(found.columns[keys[name]], column)
            }
    assert {query: columns for query, columns in missing.items() if columns} == {}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_columns_of_these_queries_are_not_told_apart(dialect: str, warehouse_of: Open) -> None:
    warehouse = warehouse_of(dialect)
    whole = [query for query in all_queries_of(dialect) if warehouse.analyse(query).columns is None]
    assert whole == marked("read whole", dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_lineage_has_all_that_changes_a_column_but_in_these_queries(
    dialect: str, warehouse_of: Open
) -> None:
    warehouse, incomplete = warehouse_of(dialect), []
    for query in all_queries_of(dialect):
        derived = derive(query, dialect, warehouse.known)
        changes = {} if warehouse.analyse(query).never else warehouse.changes(query)
        if changes and derived.is_complete:
            assert [name for name, _ in derived.columns] == list(changes), query
        told = {name: columns_of(origins) for name, origins in derived.columns}
        rows = columns_of(derived.effects)
        if any(columns - told.get(name, set()) - rows for name, columns in changes.items()):
            incomplete.append(query)
    assert incomplete == marked("not all in lineage", dialect)


@pytest.mark.parametrize(("dialect", "heading"), HEADINGS)
def test_a_change_of_a_query_that_a_column_does_not_notice_cannot_change_it(
    dialect: str, heading: str, warehouse_of: Open
) -> None:
    check_changes(warehouse_of(dialect), heading, 60)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("dialect", "heading"), HEADINGS)
def test_none_of_thousands_of_changes_can(dialect: str, heading: str, warehouse_of: Open) -> None:
    check_changes(warehouse_of(dialect), heading, 3000)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_not_read_of_a_random_query_cannot_change_it(seed: int) -> None:
    check_random_queries(seed, 10)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 120))
def test_what_is_not_read_of_hundreds_of_random_queries_cannot_change_them(seed: int) -> None:
    check_random_queries(seed, 300)


def check_changes(warehouse: QueryWarehouse, heading: str, count: int) -> None:
    """Change a word of each query; a column whose hash is the same must have the same values."""
    dialect = warehouse.dialect
    words = [word for each in all_queries_of(dialect) for word in own_words(each)]
    for query in queries_of(dialect)[heading]:
        found = warehouse.analyse(query)
        if found.columns is None or found.never:
            continue
        dice, before = random.Random(query), warehouse.values(query, "1")
        for other in {change_word(dice, query, words) for _ in range(count)} - {query}:
            is_tried = NOT_TRIED.findall(other) == NOT_TRIED.findall(query)
            after = warehouse.values_or_none(other, "1") if is_tried else None
            now = warehouse.analyse(other) if after is not None else None
            if after is None or now is None or now.columns is None or now.never or now.by_row_order:
                continue
            if dialect == "duckdb":  # Others may name a column by its expression.
                assert set(after) == set(now.columns), other
            if found.by_row_order or now.rows != found.rows:
                continue
            same = {name for name in found.columns if found.columns[name] == now.columns.get(name)}
            assert {n: after.get(n) for n in same} == {n: before[n] for n in same}, other


def check_random_queries(seed: int, count: int) -> None:
    """Change a column that a query does not read, and a part of a query that leaves its hash."""
    dice, tried = random.Random(seed), 0
    with opened("duckdb", (seed,)) as warehouse:
        while tried < count:
            query = write_phrase(dice)
            before, found = (
                each(str(query)) for each in (warehouse.changes_or_none, warehouse.analyse)
            )
            columns = found.columns
            if before is None or columns is None or found.never or found.by_row_order:
                continue
            tried += 1
            for name, changing in before.items():
                for column in changing:
                    assert reads(columns[name.lower()], column), f"{query}: {column}"
            values = warehouse.values(str(query), str(seed))
            for other in (change_phrase(dice, query) for _ in range(10)):
                now, after = warehouse.analyse(other), warehouse.values_or_none(other, str(seed))
                if now.columns is None or after is None or now.rows != found.rows:
                    continue
                same = {name for name in values if columns[name] == now.columns.get(name)}
                assert {name: after.get(name) for name in same} == {
                    name: values[name] for name in same
                }, f"{query}\n{other}"


def reads(part: Part, column: Column) -> bool:
    """Return whether a part reads a column of a table."""
    table, name = column
    node_id = f"model.shop.{table}"
    return any(leaf.parent == node_id and leaf.column in (name, WHOLE) for leaf in part.leaves)


def columns_of(origins: Origins) -> set[Column]:
    """Return the columns that are origins."""
    return {(origin.table.removeprefix("main."), origin.column) for origin in origins}
