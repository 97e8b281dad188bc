"""Whether the order of rows may decide about a query."""

from __future__ import annotations

import pytest
import sqlglot

from floe_core.reuse.queries.row_order import goes_by_row_order

BY_ORDER = [
    "select a from t limit 5",
    "select a from t offset 2",
    "select a from (select a from t limit 5) order by a",
    "select distinct on (a) a, b from t",
    "select row_number() over (partition by a) from t",
    "select lead(a) over () from t",
    "select sum(a) over (rows unbounded preceding) from t",
    "select last_value(a) over w from t window w as (partition by b)",
    "select array_agg(a) from t",
    "select string_agg(a, ',') from t",
    "select any_value(a) from t",
    "select max_by(a, b) from t",
    "select json_agg(a) from t",
    "select json_group_array(a) from t",
]
BY_SET = [
    "select a from t order by a limit 5",
    "select distinct on (a) a, b from t order by a, b",
    "select distinct a from t",
    "select row_number() over (partition by a order by b) from t",
    "select sum(a) over (partition by b) from t",
    "select array_agg(a order by b) from t",
    "select string_agg(a, ',' order by a) from t",
    "select percentile_cont(0.5) within group (order by a) from t",
    "select coalesce(a, 1), upper(b) from t",
    "select count(distinct a), sum(a) filter (where b > 1), avg(b), min(a) from t group by c",
    "select a from t union all select b from u",
]


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
@pytest.mark.parametrize("sql", BY_ORDER)
def test_rows_in_another_order_may_come_to_something_else(sql: str, dialect: str) -> None:
    assert goes_by_row_order(sqlglot.parse_one(sql, dialect=dialect))


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
@pytest.mark.parametrize("sql", BY_SET)
def test_rows_in_another_order_come_to_the_same(sql: str, dialect: str) -> None:
    assert not goes_by_row_order(sqlglot.parse_one(sql, dialect=dialect))


@pytest.mark.parametrize(
    "sql",
    [
        "select list(a) from t",
        "select first(a) from t",
        "select a from t positional join u",
    ],
)
def test_what_duckdb_alone_has_goes_by_the_order(sql: str) -> None:
    assert goes_by_row_order(sqlglot.parse_one(sql, dialect="duckdb"))
