"""What a query is: the same whatever it looks like, and told apart column by column."""

from __future__ import annotations

import pytest

from floe_core.reuse.queries.analysis import UNREADABLE, Analysis, Input, analyse
from floe_core.reuse.queries.functions import Functions
from floe_core.reuse.queries.parts import ROWS, WHOLE

INPUTS = (
    Input("model.shop.a", "shop", "main", "a", ("id", "name", "amount")),
    Input("model.shop.b", "shop", "main", "b", ("id", "x")),
)
A, B = '"shop"."main"."a"', '"shop"."main"."b"'
FUNCTIONS = Functions(frozenset({"md5_number"}))


def of(sql: str, dialect: str = "duckdb") -> Analysis:
    return analyse(sql, dialect, INPUTS, FUNCTIONS)


def read_by(sql: str, column: str) -> set[str]:
    """Return what a column reads of `a`, and what of `b` with its name before it."""
    columns = of(sql).columns
    assert columns is not None
    return {
        leaf.column if leaf.parent == "model.shop.a" else f"b.{leaf.column}"
        for leaf in columns[column].leaves
    }


@pytest.mark.parametrize(
    "other",
    [
        f"SELECT  id,\n name FROM {A} -- a comment",
        f"/* first */ select id, name\nfrom {A}",
        "select id, name from shop.main.a",
    ],
)
def test_comments_blanks_and_the_case_of_keywords_do_not_count(other: str) -> None:
    one, two = of(f"select id, name from {A}"), of(other)
    assert one.columns == two.columns
    assert one.rows == two.rows


@pytest.mark.parametrize(
    ("sql", "column", "reads"),
    [
        (f"select id, amount * 2 as twice from {A}", "twice", {ROWS, "amount"}),
        (f"select id, name from {A} where amount > 1", "name", {ROWS, "name", "amount"}),
        (f"with s as (select * from {A}) select id, name from s", "name", {ROWS, "name"}),
        (f"select count(*) as n from {A}", "n", {ROWS}),
        (
            f"select a.id, b.x from {A} a join {B} b using (id)",
            "x",
            {ROWS, "id", f"b.{ROWS}", "b.id", "b.x"},
        ),
        (
            f"select id, sum(amount) as t from {A} group by 1 order by t",
            "id",
            {ROWS, "id", "amount"},
        ),
        (f"select distinct name from {A}", "name", {ROWS, "name"}),
        # Whichever amount it is.
        (f"select id as amount, amount * 2 as y from {A}", "y", {ROWS, "id", "amount"}),
        (
            f"select id, (select max(x) from {B} b where b.id = a.id) as m from {A} a",
            "m",
            {ROWS, "id", f"b.{ROWS}", "b.id", "b.x"},
        ),
    ],
)
def test_a_column_reads_what_it_is_made_of_and_what_decides_about_rows(
    sql: str, column: str, reads: set[str]
) -> None:
    assert read_by(sql, column) == reads


def test_another_column_changes_nothing_of_the_first() -> None:
    before = of(f"select id, name, amount + 1 as more from {A}").columns
    after = of(f"select id, name, amount + 2 as more from {A}").columns
    assert before is not None
    assert after is not None
    assert {name for name in before if before[name] != after[name]} == {"more"}


@pytest.mark.parametrize(
    "changed",
    [
        f"select id from {A} where id > 1",
        f"select id from {A} limit 3",
        f"select distinct id from {A}",
        f"select max(id) as id from {A}",
        f"select id, unnest([1, 2]) as u from {A}",
        f"select a.id from {A} a join {B} b on a.id = b.id",
        f"select id from {A} union all select id from {B}",
    ],
)
def test_what_changes_the_rows_changes_every_column(changed: str) -> None:
    before, after = of(f"select id from {A}"), of(changed)
    assert before.rows.hash != after.rows.hash
    assert before.columns is not None
    assert after.columns is not None
    assert before.columns["id"].hash != after.columns["id"].hash


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"select max(x) from {B} b", f"max((select max(x) from {B} b))"),
        ("select a.id", "select max(a.id)"),
        ("sum(a.amount) over ()", "sum(sum(a.amount)) over ()"),
    ],
)
def test_an_aggregate_of_a_querys_own_rows_changes_every_column(one: str, other: str) -> None:
    texts = (f"select ({each}) as m, 1 as n from {A} a" for each in (one, other))
    before, after = (of(text) for text in texts)
    assert before.rows.hash != after.rows.hash


@pytest.mark.parametrize("sets", ["rollup(1)", "cube(1)", "grouping sets ((1), ())"])
def test_a_position_in_grouping_sets_is_not_separated(sets: str) -> None:
    assert of(f"select name, count(*) as n from {A} group by {sets}").columns is None
    named = sets.replace("1", "name")
    assert of(f"select name, count(*) as n from {A} group by {named}").columns is not None


def test_a_key_of_group_by_all_may_aggregate_in_a_subquery() -> None:
    text = f"select (select max(x) from {B} b where b.id < a.amount) as m, count(*) as n from {A} a"
    before, after = (of(f"{each} group by all") for each in (text, text.replace("amount", "id")))
    assert before.rows.hash != after.rows.hash


def test_the_rows_of_order_by_all_depend_on_all_columns() -> None:
    one, other = (of(f"select id, {c} from {A} order by all limit 2") for c in ("name", "amount"))
    assert one.columns is not None
    assert other.columns is not None
    assert one.columns["id"] != other.columns["id"]


@pytest.mark.parametrize("operation", ["union", "except", "intersect"])
def test_duplicates_in_a_set_operation_are_other_rows(operation: str) -> None:
    once, all_of_them = (
        of(f"select id from {A} {how} select id from {B}")
        for how in (operation, f"{operation} all")
    )
    assert once.rows.hash != all_of_them.rows.hash


@pytest.mark.parametrize(
    "sql",
    [
        f"select * from {A} a asof join {B} b on a.id >= b.id",
        f"with recursive r as (select 1 as n union all select n + 1 from r) select n from r, {A}",
        f"select no_such_column from {A}",
        f"select md5(a::text) as row_hash from {A} as a",
        f"select columns('[[:alpha:]]*') from {A}",
        f"select distinct on (name) id, name from {A}",
    ],
)
def test_what_is_not_certain_reads_all_of_every_input(sql: str) -> None:
    found = of(sql)
    assert found.columns is None
    assert {(leaf.parent, leaf.column) for leaf in found.reads} == {
        ("model.shop.a", WHOLE),
        ("model.shop.b", WHOLE),
    }


@pytest.mark.parametrize(
    ("sql", "never"),
    [
        (f"select id, now() as t from {A}", "now()"),
        ("select current_date as d", "current_date()"),
        ("select random() as r", "rand()"),
        ("select uuid() as u", "uuid()"),
        ("select 'today'::date as d", "'today'"),
        ("select user as u", "user"),
        (f"select my_macro(id) as m from {A}", "my_macro()"),
        ("select * from other.t", "other.t, which is neither a ref nor a source"),
        ("select * from read_csv('a.csv')", "read_csv()"),
        (f"select * from {A} using sample 10%", "tablesample"),
        (f"select md5_number(name) as m from {A}", ""),
        ("select * from range(3)", ""),
        ("this is no sql", "SQL that floe cannot read"),
    ],
)
def test_what_may_vary_by_itself_is_named(sql: str, never: str) -> None:
    assert of(sql).never.lower() == never.lower()


def test_postgresql_keeps_the_case_of_quoted_names() -> None:
    assert of('select "Id" from shop.main.a', "postgres").columns is None
    assert of('select "id" from shop.main.a', "postgres").columns is not None


@pytest.mark.parametrize(
    ("call", "is_separated"),
    [
        ("jaro_winkler_similarity(name, 'x', {})", False),
        ("list_reduce([id], lambda x, y: x + y, {})", True),
    ],
)
def test_an_argument_that_sqlglot_leaves_out_counts(call: str, is_separated: bool) -> None:
    one, two = (of(f"select {call.format(n)} as n from {A}") for n in (1, 2))
    assert one.tree != two.tree
    assert one.rows != two.rows if not is_separated else one.columns != two.columns
    assert (one.columns is not None) == is_separated


def test_an_interval_that_sqlglot_writes_in_another_way_is_read_whole() -> None:
    assert read_by(f"select id + interval '2 days' as n from {A}", "n") == {ROWS, "id"}


def test_group_by_all_groups_by_what_is_listed() -> None:
    assert "name" in read_by(f"select name, sum(amount) as s from {A} group by all", "s")


def test_sql_that_sqlglot_stumbles_over_is_not_read() -> None:
    assert of("select object_construct(a) from a", "snowflake").never == UNREADABLE


@pytest.mark.parametrize(
    ("name", "dialect"),
    [("rowid", "duckdb"), ("filename", "duckdb"), ("ctid", "postgres"), ("xmin", "postgres")],
)
def test_what_says_where_a_row_is_stored_varies_in_quotes_too(name: str, dialect: str) -> None:
    for written in (name, f'"{name}"', f'a."{name}"'):
        assert of(f"select id, {written} as place from {A} as a", dialect).never == name
