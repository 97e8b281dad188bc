"""Which columns a query cannot do without, also where it does not name them as values."""

from __future__ import annotations

import pytest

from floe_core.sql.columns.known_tables import KnownTable
from floe_core.sql.columns.needs import Needed
from floe_core.sql.columns.sources import NotUnderstoodError
from floe_core.sql.query_columns import ReadQuery, read_query

from .columns.corpus import Query, hard_queries, queries, tables

KNOWN = [
    KnownTable("port", ("id", "name"), is_complete=True),
    KnownTable("other", ("id", "x"), is_complete=True),
]
NOTHING = Needed()
EVERY = [KnownTable(name, tuple(columns), is_complete=True) for name, columns in tables().items()]


def read(sql: str, dialect: str = "duckdb") -> ReadQuery:
    return read_query(sql, dialect, KNOWN)


@pytest.mark.parametrize("query", [*queries(), *hard_queries()], ids=lambda query: query.name)
def test_each_column_of_a_query_is_read_and_is_there(query: Query) -> None:
    found = read_query(query.sql, query.dialect, EVERY)
    assert found.unresolved == frozenset()
    for table, needed in found.needs(Needed(is_any=True)).items():
        assert {each.lower() for each in needed.columns} <= set(map(str.lower, tables()[table]))


@pytest.mark.parametrize(
    ("sql", "needed"),
    [
        ("select * exclude (name) from port", {"name"}),
        ("select p.* replace (0 as id) from port p", {"id"}),
        ("select * rename (name as title) from port", {"name"}),
        # DuckDB gives one of two columns of a name another name, if both are there.
        ("select * exclude (name) from port, other", {"name", "id"}),
        ("select * exclude (id) from port, other", {"?id"}),
        # DuckDB refuses a pattern that selects none.
        ("select columns('^n') from port", {"name"}),
        ("select * like 'n%' from port", {"name"}),
        ("select max(columns(* exclude (id))) from port", {"id", "name"}),
        ("select json_array_length(name -> 't') as n from port", {"name"}),
        ("select list_transform([id], lambda name: name + 1) as l from port", {"id"}),
    ],
)
def test_what_a_star_leaves_out_or_a_pattern_selects_has_to_be_there(
    sql: str, needed: set[str]
) -> None:
    found = read(sql).needs(NOTHING)["port"]
    assert found.columns | {f"?{each}" for each in found.perhaps} == needed


def test_columns_that_get_other_names_are_needed_by_position() -> None:
    query = read("select k from port as p(k)")
    found = query.needs(Needed(columns=frozenset({"k"})))
    assert (found, query.unresolved) == ({"port": Needed(first=1)}, frozenset())


@pytest.mark.parametrize(
    "sql",
    [
        "select p from port p",
        "select md5(p::varchar) as h from port p",
        "select hash(p.*) as h from port p",
        "select coalesce(*columns(['name'])) as c from port",
        "select * like '[n]%' from port",
        "select columns('[[:alpha:]]') from port",
        "select id, #2 as second from port",
        "select id, v from port unpivot (v for k in (name))",
    ],
)
def test_any_column_is_needed_by_what_names_none(sql: str) -> None:
    found = read(sql).needs(NOTHING)["port"]
    assert (found.is_any, found.is_whole) == (True, True)


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("select columns('na') from port", ("name",)),
        ("select max(columns('na')) as 'max_\\0', id::int from port group by 2", None),
        ("select columns('[[:alpha:]]') from port", None),
        ("select columns('na') as n from port", ("n",)),
        ("select columns('(n)a') as '\\1_\\0' from port", ("n_name",)),
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


def test_the_names_of_a_star_that_snowflake_filters_are_known() -> None:
    known = [KnownTable("PORT", ("ID", "NAME"), is_complete=True)]
    query = read_query("select * ilike 'n%' from port", "snowflake", known)
    assert query.columns == ("NAME",)


@pytest.mark.parametrize(
    "sql",
    [
        "select rowid, id from port",
        "select port.rowid from port",
        "with c(k) as (select name as title from port order by title) select k from c",
        "select k from (select p.name from port p order by name) t(k)",
        "select current_user, id from port",
    ],
)
def test_a_column_that_tables_have_unlisted_or_under_another_name_is_not_missing(sql: str) -> None:
    query = read(sql)
    named = query.needs(NOTHING).get("port", NOTHING).columns
    assert (query.unresolved, named - {"id", "name"}) == (frozenset(), set())


@pytest.mark.parametrize(
    ("dialect", "sql", "missing"),
    [
        ("postgres", "select ID from port", set()),
        ("postgres", 'select "ID" from port', {"ID"}),
        ("snowflake", 'select "id" from S.PORT', {"id"}),
        ("snowflake", "select id from s.port", set()),
        ("duckdb", 'select "ID" from port', set()),
        ("clickhouse", "select ID from port", {"ID"}),
    ],
)
def test_the_case_of_a_name_counts_as_in_the_warehouse(
    dialect: str, sql: str, missing: set[str]
) -> None:
    upper = dialect == "snowflake"
    table = KnownTable("S.PORT", ("ID",), True) if upper else KnownTable("port", ("id",), True)
    assert read_query(sql, dialect, [table]).unresolved == missing


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        (
            "snowflake",
            "select id from port match_recognize (order by id pattern (a) define a as x > 1)",
        ),
        ("duckdb", "select z.y from port"),
        ("duckdb", "select name.upper().lower() as n from port"),
        ("duckdb", "select lower(name).upper() as n from port"),
        # DuckDB lets a subquery read the sources beside it.
        ("duckdb", "select p.id, v from port p, (select p.name as v) s"),
        ("duckdb", "select p.id, v from port p, (select name as v) s"),
    ],
)
def test_a_part_of_a_query_that_is_not_read_is_told(dialect: str, sql: str) -> None:
    with pytest.raises(NotUnderstoodError):
        read(sql, dialect)
