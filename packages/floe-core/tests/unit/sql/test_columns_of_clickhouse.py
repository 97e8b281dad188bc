"""Where columns come from in the SQL of ClickHouse; names and values were those of the engine."""

from __future__ import annotations

import pytest

from floe_core.sql.columns.known_tables import KnownTable
from floe_core.sql.query_columns import DerivedColumns, derive

TABLES = [
    KnownTable("s.t", ("id", "Name", "a", "arr", "tup"), is_complete=True),
    KnownTable("s.u", ("id", "a", "b"), is_complete=True),
    KnownTable("s.w", ("x",)),
]


def read(query: str) -> DerivedColumns:
    """Return the columns of a query."""
    return derive(query, "clickhouse", TABLES)


def origins(query: str) -> dict[str, set[str]]:
    """Return column -> its origins, without the schema."""
    columns = read(query).columns
    return {name: {f"{o.table[2:]}.{o.column}" for o in found} for name, found in columns}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # Names are as written, and compared as written.
        ('select "Name", `a` from s.t', {"Name": {"t.Name"}, "a": {"t.a"}}),
        ("select name from s.t", {"name": set()}),
        # An alias means its expression: before its definition, beside a column with its name, in
        # WITH, and within an expression.
        ("select a + id as a, a as c from s.t", {"a": {"t.a", "t.id"}, "c": {"t.a", "t.id"}}),
        ("select c as d, a + 1 as c from s.t", {"d": {"t.a"}, "c": {"t.a"}}),
        ("select a as b, b as a from s.u", {"b": {"u.a"}, "a": {"u.b"}}),
        ("select (a + 1 as z) * 2 as y, z from s.t", {"y": {"t.a"}, "z": {"t.a"}}),
        ("select z from s.w where (x + 1 as z) > 1", {"z": {"w.x"}}),
        ("with a + 1 as y select y from s.t", {"y": {"t.a"}}),
        (
            "with (select max(id) from s.u) as m select m, x from s.w",
            {"m": {"u.id"}, "x": {"w.x"}},
        ),
        ("with 1 as y select z from (select y as z from s.w)", {"z": set()}),
        # A column that both sources have is named after the second one.
        (
            "select * from s.t join s.u using (id)",
            {
                **{"id": {"t.id"}, "Name": {"t.Name"}, "a": {"t.a"}, "arr": {"t.arr"}},
                **{"tup": {"t.tup"}, "u.a": {"u.a"}, "b": {"u.b"}},
            },
        ),
        (
            "select t.a, u.a, u.b from s.t join s.u on t.id = u.id",
            {"a": {"t.a"}, "u.a": {"u.a"}, "b": {"u.b"}},
        ),
        (
            "select `u.id`, x.`u.id` as own from (select t.id, u.id from s.t, s.u) as x",
            {"u.id": {"u.id"}, "own": {"u.id"}},
        ),
        ("select u.b from s.w join s.u on w.x = u.id", {}),
        (
            "select * from s.u semi join s.t using id",
            {
                **{"id": {"u.id"}, "a": {"u.a"}, "b": {"u.b"}, "Name": {"t.Name"}},
                **{"t.a": {"t.a"}, "arr": {"t.arr"}, "tup": {"t.tup"}},
            },
        ),
        # ARRAY JOIN adds no column to a star.
        (
            "select a, x, arr as whole from s.t array join arr as x",
            {"a": {"t.a"}, "x": {"t.arr"}, "whole": {"t.arr"}},
        ),
        ("select x, q from s.w left array join arr as q", {"x": {"w.x"}, "q": {"w.arr"}}),
        (
            "select * from s.t array join arr as x",
            {name: {f"t.{name}"} for name in ("id", "Name", "a", "arr", "tup")},
        ),
        ("select tup.x, tup.1 as one from s.t", {"tup.x": {"t.tup"}, "one": {"t.tup"}}),
        ("select untuple(tup), a from s.t", {"a": {"t.a"}}),
        ("select * apply(toString) from s.u", {}),
        ("select * except (a) from s.u", {"id": {"u.id"}, "b": {"u.b"}}),
        ("select arrayMap(e -> e + a, arr) as m from s.t", {"m": {"t.a", "t.arr"}}),
        (
            "select quantile(0.5)(b) as q, sumIf(a, b > 1) as s from s.u as v final",
            {"q": {"u.b"}, "s": {"u.a", "u.b"}},
        ),
    ],
)
def test_the_origins_are_the_true_ones(query: str, expected: dict[str, set[str]]) -> None:
    assert origins(query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select id from s.u prewhere b > 1 where a > 2", {"u.a", "u.b"}),
        ("select b + 1 as z from s.u where z > 1", {"u.b"}),
        ("select id from s.u limit 1 by a", {"u.a"}),
        ("select id from s.t array join arr", {"t.arr"}),
        ("select u.b as id from s.t join s.u using (id)", {"t.id", "u.id"}),
    ],
)
def test_what_decides_about_the_rows(query: str, expected: set[str]) -> None:
    assert {f"{origin.table[2:]}.{origin.column}" for origin in read(query).effects} == expected
