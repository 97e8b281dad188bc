"""Where columns come from in the SQL of Snowflake, Spark and SQLite: no column that is not one."""

from __future__ import annotations

import pytest

from floe_core.sql.columns.known_tables import KnownTable
from floe_core.sql.query_columns import derive

TABLES = [
    KnownTable("db.s.t", ("id", "name", "items", "st"), is_complete=True),
    KnownTable("db.s.u", ("id", "x"), is_complete=True),
]
ID, NAME, ITEMS, ST = {"t.id"}, {"t.name"}, {"t.items"}, {"t.st"}


def origins(dialect: str, query: str) -> dict[str, set[str]]:
    """Return column -> its origins, without what all names begin with."""
    found = derive(query, dialect, TABLES).columns
    return {name: {f"{o.table[5:]}.{o.column}" for o in origins} for name, origins in found}


@pytest.mark.parametrize(
    ("dialect", "query", "expected"),
    [
        # What generates rows of an item has no origins: none is better than a wrong one.
        (
            "spark",
            "select t.id, e.item from `s`.`t` t lateral view explode(items) e as item",
            {"id": ID, "item": set()},
        ),
        ("spark", "select explode(items) as item from s.t", {"item": ITEMS}),
        ("spark", "select named_struct('n', name).n as n from s.t", {"n": NAME}),
        ("spark", "select a.id from s.t a left semi join s.u b on a.id = b.id", {"id": ID}),
        (
            "spark",
            "select id, row_number() over (order by name) as rn from s.t qualify rn = 1",
            {"id": ID, "rn": NAME},
        ),
        ("snowflake", "select T.ST:n::string as n from DB.S.T t", {"n": ST}),
        (
            "snowflake",
            "select t.id, f.value as v from db.s.t t, lateral flatten(input => t.items) f",
            {"id": ID, "v": set()},
        ),
        ("snowflake", "select * exclude (items, st) from db.s.t", {"id": ID, "name": NAME}),
        ("snowflake", "select $1 as first from db.s.t", {"first": set()}),
        ("snowflake", "select value:x as x from table(flatten(parse_json('[]')))", {"x": set()}),
        (
            "snowflake",
            "select listagg(name, ',') within group (order by id) as l from db.s.t",
            {"l": ID | NAME},
        ),
        (
            "sqlite",
            "select t.id, j.value as v from s.t, json_each(t.items) j",
            {"id": ID, "v": set()},
        ),
        ("sqlite", "select [name], x from s.t join s.u using (id)", {"name": NAME, "x": {"u.x"}}),
    ],
)
def test_the_origins_are_the_true_ones(
    dialect: str, query: str, expected: dict[str, set[str]]
) -> None:
    assert origins(dialect, query) == expected
