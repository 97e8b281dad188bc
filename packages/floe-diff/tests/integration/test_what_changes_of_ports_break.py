"""What a change of a port breaks, beside DuckDB: its answer after the change is the judge.

Each query is that of a consumer. A change breaks it if DuckDB refuses the query, or returns other
values in a column that does not merely come from the changed one by a `*`.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from floe_core.schemas.compiled_artifacts import CompiledArtifacts, Product
from floe_core.schemas.ports import InputPort, Port, PortColumn
from floe_core.sql.columns.known_tables import KnownTable
from floe_core.sql.columns.needs import Needed
from floe_core.sql.query_columns import read_query
from floe_diff.ports import Reading, changed_columns

PORT = ("id", "name", "amt", "day", "js")
TABLES = {"p": PORT, "o": ("id", "x", "day")}
# The columns of the port after a change: each as SQL over the old columns.
CHANGES = [
    *([name for name in PORT if name != dropped] for dropped in PORT),
    *([f"{name} as new" if name == old else name for name in PORT] for old in PORT),
    *([*PORT, f"7 as {new}"] for new in ("x", "k", "one", "zz")),
    ["name", "id", "js", "amt", "day"],
    ["id", "name", "js", "day", "amt"],
]
# Found exactly: no change is missed, and none is reported that DuckDB does not mind.
EXACT = """
select k from p as t(k, l)
select t.k, t.l from p as t(k, l)
select k, amt from p as t(k, l)
with c(k) as (select * from p) select k from c
select k from (select * from p) t(k)
select id from p union all select id from o
select * from (select id, day from p) union all select id, day from o
select * exclude (js) from p union all by name select x from o
select x from o where id in (select id from p)
select x from o where exists (select * from p where p.id = o.id)
select x from o where exists (select 1 from p where p.id = x)
select name, x from p join o on p.id = o.id
select name, x from p join o using (id)
select p.* from p join o using (id)
select x from o semi join p using (id)
select amt + 1 as k, k + 1 as l from p
select amt + 1 as k from p where k > 1 order by k
select amt as id, id as amt from p
select *, 1 as one from p
select one, id from (select *, 1 as one from p)
select * exclude (name) from p
select * replace (amt + 1 as amt) from p
select * rename (amt as amount) from p
select * from p qualify row_number() over (partition by id order by amt, day, name) = 1
select id, sum(amt) over w as s from p window w as (partition by name order by day, id)
select js ->> '$.k.z' as z from p
select id, u from p, unnest([name, js]) t(u)
select p.id, v from p cross join lateral (select p.amt + 1 as v) l
select o.x, m from o, lateral (select max(amt) as m from p where p.id = o.id) l
select p as whole from p
select md5(p::varchar) as h from p
select list_transform([amt], lambda z: z + id) as l from p
select list_filter([1, 2, 3], lambda name: name > 1) as l from p
select rowid, id from p
select "NAME", P.AMT as "Amt" from P
select name, sum(amt) as s from p group by all having s > 1 order by s
select a.*, b.name as other from p a join p b on a.id = b.amt
with p as (select id, x from o) select id from p
""".strip().splitlines()
# No change is missed; some are reported that do no harm.
CAUTIOUS = """
select k from p as t(k, l, m, n, o)
with c(k, l, m, n, o) as (select * from p) select k from c
select * from p union all select * from p
with c as (select * from p), d as (select * from c union all select * from p) select id from d
select amt + 1 as id from p where id > 1
select x from p natural join o
select distinct * from p
select * from p except select * from p where id > 1
select columns('^n') from p
select min(columns(* exclude name)) as m from p
select coalesce(*columns(['name', 'js'])) as c from p
select * like 'a%' from p
select * from p pivot (sum(amt) for name in ('a', 'b'))
from (pivot p on name in ('a', 'b') using sum(amt) group by id) select id, a
select id, v from p unpivot (v for k in (amt))
select id, #2 as second from p
with recursive r(n) as (select min(id) from p union all select n + 1 from r where n < 3) select n from r
""".strip().splitlines()

Contents = dict[str, list[str]]


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("""
            create table base as select * from (values
                (1, 'a', 10, date '2026-01-01', '{"k": {"z": 1}}'),
                (2, 'b', 20, date '2026-01-02', '{"k": {"z": 2}}'),
                (2, 'a', null, date '2026-01-02', null),
                (3, null, 5, date '2026-01-03', '{"k": {"z": 3}}')) v(id, name, amt, day, js);
            create table o as select * from (values
                (1, 3, date '2026-01-01'), (2, 4, date '2026-01-02'), (5, null, date '2026-01-09'))
                v(id, x, day)
        """)
        yield opened


@pytest.mark.parametrize("query", [*EXACT, *CAUTIOUS])
def test_a_change_that_duckdb_minds_breaks_the_consumer(
    query: str, warehouse: duckdb.DuckDBPyConnection
) -> None:
    reads = read_as_port(query)
    before = contents(warehouse, query, list(PORT))
    assert isinstance(before, dict), before
    for after in CHANGES:
        harm = find_harm(before, contents(warehouse, query, after), gone=set(PORT) - set(after))
        names = [column.rpartition(" as ")[2] for column in after]
        found = list(changed_columns("p", port(PORT), port(names), Reading("a/p@1", [reads]), ""))
        is_found = any(change.breaks for change in found)
        assert is_found or not harm, f"{after}: {harm}"
        if query in EXACT:
            assert not is_found or harm, f"{after}: {found}"


def read_as_port(query: str) -> CompiledArtifacts:
    """Return a consumer that reads `p` in a query; nobody reads the query's own columns."""
    tables = [KnownTable(name, columns, is_complete=True) for name, columns in TABLES.items()]
    try:
        read = read_query(query, "duckdb", tables)
    except ValueError:
        return consumer(InputPort(product="a", port="p", version="1"))
    needed = read.needs(Needed()).get("p", Needed())
    assert (read.unresolved, needed.columns - set(PORT)) == (frozenset(), set())
    columns = needed.columns | needed.perhaps & set(PORT)
    return consumer(
        InputPort(
            product="a",
            port="p",
            version="1",
            columns_read=None if needed.is_any else tuple(columns),
            leading_read=needed.first,
            is_read_whole=needed.is_whole,
            not_wanted=tuple(needed.unwanted),
        )
    )


def consumer(reads: InputPort) -> CompiledArtifacts:
    return CompiledArtifacts.model_construct(
        product=Product(name="c", version="1"), input_ports=(reads,), ports=()
    )


def port(columns: tuple[str, ...] | list[str]) -> Port:
    listed = tuple(PortColumn(name=name) for name in columns)
    return Port(name="p", version="1", node_id="model.a.p", columns=listed, is_complete=True)


def contents(
    warehouse: duckdb.DuckDBPyConnection, query: str, columns: list[str]
) -> Contents | str:
    """Return column -> its sorted values, or the error, with these columns in the port."""
    warehouse.execute(f"create or replace table p as select {', '.join(columns)} from base")
    try:
        warehouse.execute(f"create or replace temp table answer as {query}")
    except duckdb.Error as error:
        return str(error)
    names = [column[0].lower() for column in warehouse.execute("from answer").description or ()]
    rows = warehouse.fetchall()
    return {name: sorted(repr(row[at]) for row in rows) for at, name in enumerate(names)}


def find_harm(before: Contents, after: Contents | str, gone: set[str]) -> str:
    """Return what is wrong with the answer after a change, "" for nothing."""
    if isinstance(after, str):
        return after
    changed = (name for name in before if after.get(name) != before[name] and name not in gone)
    return ", ".join(changed)
