"""Which columns a query cannot do without, where it does not name them as values."""

from __future__ import annotations

import pytest

from floe_core.compiler.ports.column_marks import ALL, PERHAPS, WHOLE, leading
from floe_core.compiler.ports.column_needs import Query, read_query

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


def test_columns_that_get_other_names_are_needed_by_position() -> None:
    query = read("select k from port as p(k)")
    assert (query.needs({"k"}), query.unresolved) == ({"port": {leading(1)}}, frozenset())


@pytest.mark.parametrize(
    "sql",
    [
        "select p from port p",
        "select md5(p::varchar) as h from port p",
        "select hash(p.*) as h from port p",
        "select coalesce(*columns(['name'])) as c from port",
        "select * like 'n%' from port",
        "select id, #2 as second from port",
        "select id, v from port unpivot (v for k in (name))",
    ],
)
def test_any_column_is_needed_by_what_names_none(sql: str) -> None:
    assert read(sql).needs(set())["port"] >= {ALL, WHOLE}


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("select columns('na') from port", ("name",)),
        ("select count(*) from port", None),
        ("select id::varchar from port", None),
        ("select * from port p join other o on p.id = o.id", ("id", "name", "id_1", "x")),
        ("select name as title, * from port", ("title", "id", "name")),
        ("select id from port union all by name select x from other", ("id", "x")),
    ],
)
def test_the_columns_of_a_query_have_the_names_that_duckdb_gives_them(
    sql: str, columns: tuple[str, ...] | None
) -> None:
    assert read(sql).columns == columns


@pytest.mark.parametrize(
    "sql",
    [
        "select rowid, id from port",
        "select port.rowid from port",
        "with c(k) as (select name as title from port order by title) select k from c",
        "select k from (select p.name from port p order by name) t(k)",
    ],
)
def test_a_column_that_tables_have_unlisted_or_under_another_name_is_not_missing(sql: str) -> None:
    query = read(sql)
    named = {name for name in query.needs(set())["port"] if name.isidentifier()}
    assert (query.unresolved, named - {"id", "name"}) == (frozenset(), set())
