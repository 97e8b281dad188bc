"""What reuse says a column reads, beside DuckDB: what it does not read cannot change it.

Each query runs on small tables, and again with other values in one column of them. Whatever comes
out otherwise must read that column.
"""

from __future__ import annotations

import random
import re
from contextlib import suppress

import duckdb
import pytest
from random_queries import change_phrase, change_word, write_phrase

from floe_core.reuse.catalogs.duckdb_catalog import DuckDBCatalog
from floe_core.reuse.queries.analysis import Input, analyse
from floe_core.reuse.queries.functions import Functions
from floe_core.reuse.queries.parts import WHOLE, Part

TABLES = {"a": ("id", "name", "amount", "day"), "b": ("id", "x", "day")}
INPUTS = tuple(Input(name, "memory", "main", name, columns) for name, columns in TABLES.items())
# Other values for a column, of its type.
OTHER = {
    "id": "(random() * 5)::int",
    "name": "case when random() < 0.3 then null else chr(112 + (random() * 3)::int) end",
    "amount": "case when random() < 0.2 then null else (random() * 4)::int end",
    "x": "case when random() < 0.2 then null else (random() * 4)::int end",
    "day": "date '2026-01-01' + (random() * 6)::int",
}
QUERIES = r"""
select id, name from main.a where amount > (select avg(x) from main.b)
select id, coalesce(name, 'z') as n, amount is null as f from main.a
select id, sum(amount) over (partition by name) as s, count(*) over () as c from main.a
select name, sum(amount) as s from main.a group by 1 having sum(id) > 3
select name, sum(amount) as s from main.a group by all
select name, sum(amount) as s from main.a group by all order by s limit 2
select lower(name) as name, count(*) as n from main.a group by name
select id, (select count(*) from main.b b where b.id = a.id) as n from main.a a
select id, exists (select 1 from main.b b where b.x = a.amount) as f, name from main.a a
select id, x in (select amount from main.a) as f from main.b
with c as (select id, name, row_number() over (partition by id order by day, amount) as r from main.a) select id, name from c where r = 1
with c as (select id, max(amount) as m from main.a group by id) select c.id, m, x from c left join main.b using (id)
select a.* from main.a a left join main.b b on a.id = b.id and b.x > 2
select a.id, count(b.x) as n from main.a a left join main.b b on a.id = b.id group by a.id
select coalesce(a.id, b.id) as k, name, x from main.a a full join main.b b on a.id = b.id
select id, name from main.a a full join main.b b using (id)
select a.name from main.a a semi join main.b b on a.id = b.x
select a.name from main.a a anti join main.b b using (id)
select name, amount from main.a a natural join main.b b
select distinct name, amount > 1 as f from main.a
select id from main.a intersect select id from main.b
select id from main.a except all select x from main.b
select id from main.a where name is not null union all select x from main.b where day is null
select arg_max(name, amount order by id) as n, max(day) as d from main.a
select string_agg(name, ',' order by amount, id, name) as s from main.a
select id, struct_pack(n := name, a := amount).n as s from main.a
select id, unnest([amount, id]) as u from main.a
select id, u from main.a, unnest([amount, id]) t(u)
select count(*) as n, count(name) as c, count(distinct amount) as d from main.a
select id, sum(amount) filter (where name = 'p') as s, sum(amount) as t from main.a group by id
select id, sum(amount) as s from main.a group by rollup (id)
select id, name from main.a where (id, name) in (select id, 'p' from main.b)
select id, name from main.a qualify count(*) over (partition by amount) = 1
select name as id, id as name from main.a
select id, id as k from main.a where k > 1
select sum(amount) as id, id as g from main.a group by id
select id, sum(amount) over w as s from main.a window w as (partition by name order by day, id, amount)
with b as (select * from main.a) select b.name, b.id from b
select t.name from main.a as t(k, name, z, w)
with c(k, name) as (select id, amount from main.a) select name from c
select columns('n.*') from main.a
select * replace (amount + 1 as amount) from main.a
select a.* exclude (id), b.x from main.a a join main.b b using (id)
select a from main.a a
select a.name, md5(a::varchar) as h from main.a a
select name, amount from main.a where amount >= all (select x from main.b)
select id, array(select x from main.b b where b.id = a.id order by x) as l from main.a a
select id, list_transform([amount], lambda v: v + id) as l from main.a
select x.id, y.name from main.a x join main.a y on x.id = y.amount
select id, case when exists (select 1 from main.b where x = 1) then name end as n from main.a
select id as amount, amount * 2 as y from main.a
with c as (select id as k, amount as v, name from main.a) select k, v from c union all select x, id from main.b
select t.k, t.v from (select id as k, amount + 1 as v from main.a) t join main.b on t.k = main.b.id
with c as (select id, name as k from main.a), d as (select k, count(*) as n from c group by k) select c.id, d.n from c join d using (k)
select id, u, name from main.a, lateral (select x as u from main.b where main.b.id = main.a.id) l
with c as (select id, amount as k, name as n from main.a) select id, (select max(k) from c d where d.id = c.id) as m, n from c
select k, max(v) as m from (select id as k, amount as v from main.a union select id, x from main.b) group by k
select id, name from main.a where id in (select id from main.b where x > 1) and exists (select 1 from main.b q where q.id = main.a.id)
select id, case when amount > 1 then name else 'z' end as c, count(*) over (partition by name) as n from main.a qualify n > 1
select id, name, amount, day from main.a order by 2, 1, 3, 4 limit 4
select columns(* exclude (amount)) from main.a
select columns(lambda c: c like 'n%') from main.a
select columns(lambda c: c in ('id', 'day') or starts_with(c, 'na')) from main.a
select columns(lambda c: not c like '%a%' and lower(c) <> 'x') from main.a
select columns(['amount', 'ID']) from main.a
select * like '%a%' from main.a
select * not like '%a%' from main.a
select * ilike 'N%' from main.a
select * not ilike 'N%' from main.a
select * glob 'n*' from main.a
select * similar to 'a.*|id' from main.a
select a.* exclude (amount) like '%a%' from main.a a
select a.* like '%a%' from main.a a join main.b b using (id)
select columns(* exclude (day)) + 1 from main.b
select name, max(columns('id|amount')) from main.a group by name
select min(columns(*)) from main.a
select count(columns(*)) from main.a
select coalesce(columns('id|amount'), 0) from main.a
select max(columns('(i|am)(.*)')) as 'max_\2' from main.a
select columns('id|x') as 'b_\0' from main.b
select columns('id') + 1 as k, x from main.b where x > 1
select columns(a.* exclude (id)) from main.a join main.b on a.id = b.id
select columns('id|x') from main.a join main.b using (id)
select columns('am') as 'a_\0', b.* from main.a join main.b on a.id = b.id
select sum(columns('id|amount')) over (partition by name) from main.a
select columns('id|amount') + columns('id|amount') from main.a
select distinct columns('^n|d') from main.a
select columns('id') from main.a union all select columns('x') from main.b
select id, (select max(columns('x')) from main.b b where b.id = a.id) as m from main.a a
with c as (select columns('id|na.*') from main.a) select name from c
with c as (select max(columns('id|amount')) as 'm_\0', name from main.a group by name) select m_id, name from c
select id, name from main.a where columns('id|amount') > 1
select greatest(*columns('id|amount')) as g, name from main.a
select columns(* replace (amount + 1 as amount)) from main.a
select columns('[[:alpha:]]*d') from main.a
""".strip().splitlines()


class Database:
    """A DuckDB in memory. An internal error, which some random queries meet, makes it unusable."""

    def __init__(self) -> None:
        self._opened = duckdb.connect()

    def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
        try:
            return self._opened.execute(sql)
        except (duckdb.InternalException, duckdb.FatalException):
            self._opened = duckdb.connect()
            raise

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        return self.execute(sql).fetchall()


@pytest.fixture(scope="module")
def steady(warehouse: Database) -> Functions:
    return DuckDBCatalog().functions(warehouse)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def warehouse() -> Database:
    return Database()


@pytest.mark.parametrize("query", QUERIES)
def test_what_a_column_does_not_read_cannot_change_it(
    query: str, warehouse: Database, steady: Functions
) -> None:
    found = analyse(query, "duckdb", INPUTS, steady)
    if found.columns is None:
        # All of each table counts.
        assert {(leaf.parent, leaf.column) for leaf in found.reads} == {(t, WHOLE) for t in TABLES}
        return
    for seed in range(2):
        fill(warehouse, seed)
        before = contents(warehouse, query)
        assert list(before) == list(found.columns)
        for table, columns in TABLES.items():
            for column in columns:
                fill(warehouse, seed)
                warehouse.execute(f"update {table} set {column} = {OTHER[column]}")
                after = contents(warehouse, query)
                changed = {name for name in before if before[name] != after[name]}
                reading = {n for n, p in found.columns.items() if reads(p, table, column)}
                assert changed <= reading, f"{table}.{column}"


def test_only_whole_rows_and_patterns_are_not_told_apart(steady: Functions) -> None:
    whole = {query for query in QUERIES if analyse(query, "duckdb", INPUTS, steady).columns is None}
    assert whole == {
        "select id, name from main.a where columns('id|amount') > 1",
        "select greatest(*columns('id|amount')) as g, name from main.a",
        "select columns(* replace (amount + 1 as amount)) from main.a",
        "select columns('[[:alpha:]]*d') from main.a",
        "select a from main.a a",
        "select a.name, md5(a::varchar) as h from main.a a",
    }


@pytest.mark.parametrize("seed", range(4))
def test_what_is_not_read_of_a_random_query_cannot_change_it(
    seed: int, warehouse: Database, steady: Functions
) -> None:
    check_random_queries(seed, 10, warehouse, steady)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 120))
def test_what_is_not_read_of_hundreds_of_random_queries_cannot_change_them(
    seed: int, warehouse: Database, steady: Functions
) -> None:
    check_random_queries(seed, 300, warehouse, steady)


@pytest.mark.parametrize("query", QUERIES)
def test_a_change_of_a_query_that_a_column_does_not_notice_cannot_change_it(
    query: str, warehouse: Database, steady: Functions
) -> None:
    check_changes(query, 60, warehouse, steady)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("query", QUERIES)
def test_none_of_thousands_of_changes_can(
    query: str, warehouse: Database, steady: Functions
) -> None:
    check_changes(query, 5000, warehouse, steady)


def check_changes(query: str, count: int, warehouse: Database, steady: Functions) -> None:
    """Change a word of a query; a column whose hash is the same must have the same values."""
    dice = random.Random(query)
    fill(warehouse, 1)
    before, found = contents(warehouse, query), analyse(query, "duckdb", INPUTS, steady)
    for other in (change_word(dice, query) for _ in range(count)):
        # sqlglot takes the e of `1.exists` for part of the number.
        after = None if re.search(r"\d\.e", other) else contents_or_none(warehouse, other)
        now = analyse(other, "duckdb", INPUTS, steady) if after is not None else None
        if after is None or now is None or now.columns is None or now.never or now.by_row_order:
            continue
        assert {name.lower() for name in after} == set(now.columns), other
        if found.columns is None or found.by_row_order or now.rows != found.rows:
            continue
        same = {name for name in before if found.columns[name] == now.columns.get(name)}
        assert {n: after[n] for n in same} == {n: before[n] for n in same}, other


def check_random_queries(seed: int, count: int, warehouse: Database, steady: Functions) -> None:
    """Change a column that a query does not read, and a part of a query that leaves its hash."""
    dice, tried = random.Random(seed), 0
    while tried < count:
        query = write_phrase(dice)
        fill(warehouse, seed)
        before = contents_or_none(warehouse, str(query))
        found = analyse(str(query), "duckdb", INPUTS, steady)
        columns = found.columns
        if before is None or columns is None or found.never or found.by_row_order:
            continue
        tried += 1
        for table, names in TABLES.items():
            for name in names:
                reading = {c for c, part in columns.items() if reads(part, table, name)}
                if len(reading) < len(columns):
                    warehouse.execute(f"begin; update {table} set {name} = {OTHER[name]}")
                    after = contents_or_none(warehouse, str(query))
                    with suppress(duckdb.TransactionException):  # A new database has none.
                        warehouse.execute("rollback")
                    changed = {c for c in after or () if after and after[c] != before[c]}
                    assert {c.lower() for c in changed} <= reading, f"{query}: {table}.{name}"
        for other in (change_phrase(dice, query) for _ in range(10)):
            now = analyse(other, "duckdb", INPUTS, steady)
            after = contents_or_none(warehouse, other)
            if now.columns is None or after is None or now.rows != found.rows:
                continue
            same = {c for c in before if columns[c.lower()] == now.columns.get(c.lower())}
            assert {c: after.get(c) for c in same} == {c: before[c] for c in same}, (
                f"{query}\n{other}"
            )


def contents_or_none(warehouse: Database, query: str) -> dict[str, list[str]] | None:
    """Return what `contents` does, None for a query that DuckDB refuses."""
    try:
        return contents(warehouse, query)
    except duckdb.Error:
        return None


def fill(warehouse: Database, seed: int) -> None:
    """Write the tables anew, without equal rows: `limit` may take either of these."""
    dice = random.Random(seed)
    a = dict.fromkeys(
        f"({dice.choice([1, 2, 3, 4])}, {dice.choice(['null', repr('p'), repr('q')])}, "
        f"{dice.choice(['null', 1, 2, 3])}, '2026-01-0{dice.randint(1, 6)}')"
        for _ in range(9)
    )
    b = dict.fromkeys(
        f"({dice.choice([1, 2, 3])}, {dice.choice(['null', 1, 2, 3])}, "
        f"'2026-01-0{dice.randint(1, 6)}')"
        for _ in range(7)
    )
    warehouse.execute("select setseed(0.5)")
    warehouse.execute("create or replace table a (id int, name varchar, amount int, day date)")
    warehouse.execute("create or replace table b (id int, x int, day date)")
    warehouse.execute(f"insert into a values {', '.join(a)}; insert into b values {', '.join(b)}")


def contents(warehouse: Database, query: str) -> dict[str, list[str]]:
    """Return column -> its values, in an order of their own."""
    found = warehouse.execute(query)
    names = [column[0] for column in found.description or ()]
    rows = found.fetchall()
    return {name: sorted(repr(row[at]) for row in rows) for at, name in enumerate(names)}


def reads(part: Part, table: str, column: str) -> bool:
    """Return whether a part reads a column of a table."""
    return any(leaf.parent == table and leaf.column in (column, WHOLE) for leaf in part.leaves)
