"""Which columns a query cannot do without, where it does not name them as values."""

from __future__ import annotations

import pytest

from floe_core.compiler.ports.column_needs import ALL, PERHAPS, Query, read_query

TABLES = {"port": ("id", "name"), "other": ("id", "x")}


def read(sql: str) -> Query:
    return read_query(sql, "duckdb", TABLES)


@pytest.mark.parametrize(
    ("sql", "needed"),
    [
        ("select * exclude (name) from port", {"name"}),
        ("select p.* replace (0 as id) from port p", {"id"}),
        ("select * rename (name as title) from port", {"name"}),
        ("select * exclude (name) from port, other", {f"{PERHAPS}name"}),
    ],
)
def test_what_a_star_leaves_out_has_to_be_there(sql: str, needed: set[str]) -> None:
    assert read(sql).needs(set())["port"] >= needed


def test_all_columns_of_a_table_are_needed_that_get_other_names() -> None:
    query = read("select k from port as p(k, l)")
    assert (query.needs({"k"}), query.unresolved) == ({"port": {ALL}}, frozenset())
