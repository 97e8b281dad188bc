"""What planning knows of the SQL of SQLite, Snowflake and Spark."""

from __future__ import annotations

import sqlite3

import pytest

from floe_core.reuse.catalogs.catalog import CATALOGS
from floe_core.reuse.queries.analysis import Analysis, Input, analyse
from floe_core.reuse.queries.functions import Functions, function_calls
from floe_core.reuse.queries.parts import ROWS
from floe_core.warehouse.dialect import Dialect, Relation, Row
from floe_core.warehouse.dialects import DIALECTS
from floe_core.warehouse.sqlite_dialect import SQLite
from floe_warehouses.snowflake import functions as snowflake_functions
from floe_warehouses.spark import functions as spark_functions


class SQLiteInMemory:
    """A warehouse that is a SQLite of this process."""

    dialect = SQLite()

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")

    def rows(self, query: str) -> list[Row]:
        return self.connection.execute(query).fetchall()

    def run(self, statement: str) -> None:
        self.connection.execute(statement)

    def columns(self, relation: Relation) -> list[tuple[str, str]]:
        return self.dialect.read_columns(self.rows, relation)


SQLITE = SQLiteInMemory()
FUNCTIONS = {
    "sqlite": CATALOGS["sqlite"].functions(SQLITE),
    "snowflake": Functions(snowflake_functions.STEADY),
    "spark": Functions(spark_functions.STEADY),
}
INPUTS = {
    "sqlite": (Input("model.shop.a", "database", "main", "a", ("id", "Name", "amount")),),
    "snowflake": (Input("model.shop.a", "db1", "shop", "a", ("ID", "NAME", "AMOUNT")),),
    "spark": (Input("model.shop.a", "", "shop", "a", ("id", "Name", "amount")),),
}


def of(sql: str, dialect: str) -> Analysis:
    return analyse(sql, dialect, INPUTS[dialect], FUNCTIONS[dialect])


def read_by(sql: str, dialect: str, column: str) -> set[str]:
    columns = of(sql, dialect).columns
    assert columns is not None
    return {leaf.column for leaf in columns[column].leaves}


@pytest.mark.parametrize(
    "sql",
    [
        "select upper(name) as n from main.a",
        "select strftime('%Y', name) as y, date(name, '+1 day') as d from main.a",
        "select total(amount) as t, count(*) as n from main.a",
        "select cast(amount as decimal(10, 2)) as d from main.a where id in (1, 2)",
        "with b as (select id from main.a) select id from b where exists (select 1 from b)",
        "select row_number() over (order by id) as r from main.a",
    ],
)
def test_sqlite_calls_these_steady(sql: str) -> None:
    assert of(sql, "sqlite").never == ""


@pytest.mark.parametrize(
    ("sql", "never"),
    [
        ("select random() as r from main.a", "rand()"),
        ("select datetime() as t from main.a", "datetime()"),
        ("select time() as t from main.a", "time()"),
        ("select unixepoch() as t from main.a", "unixepoch()"),
        ("select date('now') as t from main.a", "date()"),
        ("select julianday(trim('now')) as t from main.a", "julianday()"),
        ("select date(name, 'localtime') as t from main.a", "date()"),
        ("select date(name, amount) as t from main.a", "date()"),
        ("select changes() as t from main.a", "changes()"),
        ("select sqlite_version() as t from main.a", "current_version()"),
        ("select current_timestamp as t from main.a", "current_timestamp()"),
        ("select _rowid_ as t from main.a", "_rowid_"),
        ("select of_an_extension(id) as t from main.a", "of_an_extension()"),
    ],
)
def test_what_may_vary_on_sqlite_is_named(sql: str, never: str) -> None:
    assert of(sql, "sqlite").never == never


def test_a_format_without_a_time_is_one_of_the_moment() -> None:
    assert of("select strftime('%Y') as y from main.a", "sqlite").never != ""


@pytest.mark.parametrize("dialect", ["sqlite", "spark"])
def test_the_case_of_names_counts_and_that_of_keywords_does_not(dialect: str) -> None:
    place = {"sqlite": "main.a", "spark": "shop.a"}[dialect]
    texts = ("select id as Date", "SELECT id AS Date", "select id as date")
    one, same, other = (of(f"{text} from {place}", dialect).tree for text in texts)
    assert (one == same, one == other) == (True, False)


def test_a_function_that_replaces_a_built_in_one_is_not_steady() -> None:
    other = SQLiteInMemory()
    other.connection.create_function("upper", 1, lambda text: text, deterministic=True)
    steady = CATALOGS["sqlite"].functions(other).steady
    assert ("upper" in steady, "lower" in steady) == (False, True)


@pytest.mark.parametrize(
    "sql",
    [
        "select name, max(amount) as m from main.a",
        "select name, amount, count(*) as n from main.a group by name",
        "select name, json_group_array(id) as n from main.a",
    ],
)
def test_a_column_of_any_row_of_a_group_reads_all_of_sqlites_inputs(sql: str) -> None:
    found = of(sql, "sqlite")
    assert (found.columns, found.by_row_order) == (None, True)


@pytest.mark.parametrize(
    "sql",
    [
        "select name, max(amount) as m from main.a group by name",
        "select a.name, max(amount) as m from main.a group by 1 order by m",
        "select upper(name) as n, total(amount) as m from main.a group by upper(name)",
        "select sum(amount) over () as m, name from main.a",
    ],
)
def test_grouped_columns_are_told_apart(sql: str) -> None:
    assert of(sql, "sqlite").columns is not None


def test_sqlite_takes_names_for_the_same_whatever_their_case() -> None:
    assert read_by("select NAME as n from main.A", "sqlite", "n") == {ROWS, "name"}


@pytest.mark.parametrize(
    "sql",
    [
        "select iff(amount > 1, 'x', name) as n from db1.shop.a",
        "select to_varchar(amount)::varchar(10) as n from DB1.SHOP.A",
        "select sum(amount) as n from db1.shop.a qualify row_number() over (order by n) = 1",
        "select f.value as n from db1.shop.a, lateral flatten(input => parse_json(name)) f",
        'select "ID" as n from db1.shop."A"',
    ],
)
def test_snowflakes_listed_functions_are_steady(sql: str) -> None:
    assert of(sql, "snowflake").never == ""


@pytest.mark.parametrize(
    ("sql", "never"),
    [
        ("select sysdate() as t from db1.shop.a", "current_timestamp()"),
        ("select current_role() as t from db1.shop.a", "current_role()"),
        ("select uuid_string() as t from db1.shop.a", "uuid()"),
        ("select seq.nextval as t from db1.shop.a", "nextval"),
        ("select metadata$start_scan_time as t from db1.shop.a", "metadata$start_scan_time"),
        ("select x.METADATA$FILENAME as t from db1.shop.a as x", "metadata$filename"),
        ("select my_udf(id) as t from db1.shop.a", "my_udf()"),
        ("select shop.upper(id) as t from db1.shop.a", "upper()"),
        ('select "UPPER"(id) as t from db1.shop.a', "upper()"),
        ("select $v as t from db1.shop.a", "parameter"),
        ("select id as t from db1.shop.a at(offset => -60)", "at()"),
        ("select 1 as t from table(generator(rowcount => 3))", "generator()"),
        ("select ai_complete('m', name) as t from db1.shop.a", "ai_complete()"),
        ('select id as t from db1.shop."a"', 'db1.shop."a", which is neither a ref nor a source'),
    ],
)
def test_what_may_vary_on_snowflake_is_named(sql: str, never: str) -> None:
    assert of(sql, "snowflake").never == never


def test_snowflake_reads_columns_by_the_names_that_it_keeps() -> None:
    assert read_by("select name as n, id from db1.shop.a", "snowflake", "N") == {ROWS, "NAME"}
    assert of('select "name" as n from db1.shop.a', "snowflake").columns is None


@pytest.mark.parametrize(
    "sql",
    [
        "select if(amount > 1, 'x', `name`) as n from shop.a",
        "select unix_timestamp(name, 'yyyy') as n, date_trunc('day', name) as d from shop.a",
        "select explode(split(name, ',')) as n from shop.a",
        "select cast(amount as decimal(10, 2)) as n from `shop`.`a` where id in (1, 2)",
        "select transform(array(id), x -> x + 1) as n from shop.a",
    ],
)
def test_sparks_listed_functions_are_steady(sql: str) -> None:
    assert of(sql, "spark").never == ""


@pytest.mark.parametrize(
    ("sql", "never"),
    [
        ("select now() as t from shop.a", "now()"),
        ("select to_unix_timestamp() as t from shop.a", "to_unix_timestamp()"),
        ("select monotonically_increasing_id() as t from shop.a", "monotonically_increasing_id()"),
        ("select input_file_name() as t from shop.a", "input_file_name()"),
        ("select first(name) as t from shop.a", "first()"),
        ("select collect_list(name) as t from shop.a", "collect_list()"),
        ("select my_udf(id) as t from shop.a", "my_udf()"),
        ("select shop.upper(id) as t from shop.a", "upper()"),
        ("select reflect('java.util.UUID', 'randomUUID') as t from shop.a", "reflect()"),
        ("select * from parquet.`/tmp/a`", 'parquet."/tmp/a", which is neither a ref nor a source'),
    ],
)
def test_what_may_vary_on_spark_is_named(sql: str, never: str) -> None:
    assert of(sql, "spark").never == never


def test_a_spark_function_without_its_time_is_one_of_the_moment() -> None:
    assert of("select unix_timestamp() as t from shop.a", "spark").never != ""


@pytest.mark.parametrize(
    "column",
    ["_metadata.file_path", "a._metadata.file_name", "`_metadata`.file_path", "_file", "a._pos"],
)
def test_what_says_where_a_row_is_stored_is_never_reused_on_spark(column: str) -> None:
    assert of(f"select id, {column} as place from shop.a as a", "spark").never != ""


def test_spark_takes_names_for_the_same_whatever_their_case() -> None:
    assert read_by("select NAME as n from shop.A", "spark", "n") == {ROWS, "name"}


def test_calls_are_found_with_their_arguments() -> None:
    sql = "select f(a, g(1, 2)), cast(x as decimal(1, 2)), s.h() from t as u(v) where x in (1)"
    found = [(c.name, len(c.arguments), c.is_placed) for c in function_calls(sql, "snowflake")]
    assert found == [("f", 2, False), ("g", 2, False), ("h", 0, True)]


def test_an_argument_that_sqlglot_leaves_out_counts() -> None:
    two, three = (
        of(f"select percentile(amount, 0.5, {n}) as p from shop.a", "spark") for n in (2, 3)
    )
    assert (two.columns, two.tree == three.tree) == (None, False)


def test_blanks_comments_and_the_case_of_words_do_not_count() -> None:
    one, two = (
        of(sql, "snowflake")
        for sql in (
            "select id, 'A' as n from db1.shop.a",
            "SELECT ID, 'A' AS N -- x\nfrom db1.shop.a",
        )
    )
    assert (one.tree, one.columns) == (two.tree, two.columns)
    assert one.columns is not None


class Answering:
    """A warehouse that answers what a vendor documents, by the first text found in a query."""

    def __init__(self, dialect: Dialect, answers: dict[str, list[Row]]) -> None:
        self.dialect = dialect
        self.answers = answers

    def rows(self, query: str) -> list[Row]:
        return next((rows for text, rows in self.answers.items() if text in query), [])

    def run(self, statement: str) -> None:
        raise AssertionError(statement)

    def columns(self, relation: Relation) -> list[tuple[str, str]]:
        raise AssertionError(relation)


ORDERS = Relation("raw", "orders")
KIND, TABLE = "describe table extended", "describe detail `raw`.`orders`"
COMMIT = "describe history `raw`.`orders` limit 1"
DELTA = {
    KIND: [("id", "int", None), ("", "", ""), ("Provider", "delta", "")],
    TABLE: [("delta", "one", "spark_catalog.raw.orders")],
    COMMIT: [(7, "2026-11-29 08:00:00", None, "WRITE")],
}
DDL = "table_schema = 'RAW' and table_name = 'ORDERS'"
DML = """system$last_change_commit_time('"RAW"."ORDERS"')"""
SNOWFLAKE = {DDL: [("1", "2")], DML: [(1661920053987000000,)]}


def version_on(dialect: str, answers: dict[str, list[Row]]) -> str:
    warehouse = Answering(DIALECTS[dialect], answers)
    return CATALOGS[dialect].version_of_rows(warehouse, ORDERS)


@pytest.mark.parametrize(
    ("dialect", "answers", "changed"),
    [
        ("spark", DELTA, {COMMIT: [(8, "2026-11-29 08:00:00")]}),
        ("spark", DELTA, {COMMIT: [(7, "2026-11-29 09:00:00")]}),
        ("spark", DELTA, {TABLE: [("delta", "other")]}),
        ("snowflake", SNOWFLAKE, {DDL: [("1", "3")]}),
        ("snowflake", SNOWFLAKE, {DML: [(1661920053987000001,)]}),
    ],
)
def test_a_table_has_another_version_after_each_change_that_its_metadata_shows(
    dialect: str, answers: dict[str, list[Row]], changed: dict[str, list[Row]]
) -> None:
    version = version_on(dialect, answers)
    assert version
    assert version_on(dialect, answers) == version
    assert version_on(dialect, {**answers, **changed}) not in ("", version)


@pytest.mark.parametrize(
    ("dialect", "answers"),
    [
        ("spark", {**DELTA, KIND: [("id", "int", None), ("Provider", "parquet", "")]}),
        ("spark", {**DELTA, COMMIT: []}),
        ("spark", {**DELTA, TABLE: []}),
        ("snowflake", {**SNOWFLAKE, DDL: []}),
        ("snowflake", {**SNOWFLAKE, DML: [(None,)]}),
    ],
)
def test_a_table_without_such_metadata_has_no_version(
    dialect: str, answers: dict[str, list[Row]]
) -> None:
    assert version_on(dialect, answers) == ""
