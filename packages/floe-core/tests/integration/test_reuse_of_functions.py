"""Reuse of the functions of dbt 1.11."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import psycopg2
import pytest
from own_database import SERVER, compute, own_database, rows
from reusing_product import FLOE

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, NodeResult, build

TABLE = "{{ config(materialized='table') }} "
SCHEMA = """\
functions:
  - name: twice
    arguments: [{name: x, data_type: integer}]
    returns: {data_type: integer}
"""
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: plain}
  compute: {COMPUTE}
"""
MACRO = """\
{% macro duckdb__scalar_function_sql(target_relation) %}
  create or replace macro {{ target_relation }}(x) as ({{ model.compiled_code }});
{% endmacro %}
"""


@pytest.fixture
def folder(write_product: Callable[..., Path]) -> Path:
    calls = TABLE + "select {{ function('twice') }}(1) as id"
    folder = write_product(floe=FLOE, aside=TABLE + "select 1 as id", calls=calls)
    texts = {
        "functions/twice.sql": "x * 2",
        "functions/schema.yml": SCHEMA,
        "macros/scalar.sql": MACRO,
    }
    for path, text in texts.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    return folder


# Name -> the file that changes, and how.
CHANGES = {
    "its body": ("functions/twice.sql", "x * 2", "x * 3"),
    "an argument": ("functions/schema.yml", "data_type: integer}]", "data_type: bigint}]"),
    "what it returns": (
        "functions/schema.yml",
        "returns: {data_type: integer}",
        "returns: {data_type: bigint}",
    ),
    "a macro that makes it": (
        "macros/scalar.sql",
        "create or replace macro",
        "create or replace function",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_function_is_built_if_anything_of_it_changes(change: str, folder: Path) -> None:
    # What calls a user-defined function is built in every run.
    assert _ends(folder, "1") == {"aside": "success", "calls": "success", "twice": "success"}
    unchanged = {"aside": "reused", "calls": "success", "twice": "reused"}
    assert _ends(folder, "2") == unchanged
    path, before, after = CHANGES[change]
    text = (folder / path).read_text()
    assert before in text
    (folder / path).write_text(text.replace(before, after))
    assert _ends(folder, "3") == {**unchanged, "twice": "success"}
    assert _ends(folder, "4") == unchanged


@pytest.mark.parametrize("sql", ["drop macro twice", "create or replace macro twice(x) as (x * 5)"])
def test_a_function_that_was_changed_by_hand_is_built_again(sql: str, folder: Path) -> None:
    _ends(folder, "1")
    with duckdb.connect(str(folder / "shop.duckdb")) as warehouse:
        warehouse.execute(sql)
    assert _ends(folder, "2") == {"aside": "reused", "calls": "success", "twice": "success"}
    with duckdb.connect(str(folder / "shop.duckdb")) as warehouse:
        assert warehouse.execute("select id from calls").fetchall() == [(2,)]


# Functions made by hand, and SQL that calls them: by a name that sqlglot or the warehouse knows, or
# without their name.
ON_DUCKDB = {
    "nvl": ("nvl(a, b) as {}", "nvl(1, 2)"),
    "initcap": ("initcap(a) as {}", "'x'.INITCAP()"),
    "quoted": ('"Sha2"(a, b) as {}', "sha2('x', 256)"),
    "in place of a built-in one": ("upper(a) as {}", "upper('x')"),
    "with its schema": ("upper(a) as {}", "main.upper('x')"),
    "an operator": ('"+"(a, b) as {}', "1 + 1"),
    "a list": ("list_value(a, b) as {}", "[1, 2]"),
}


@pytest.mark.parametrize("case", ON_DUCKDB)
def test_what_calls_a_user_defined_function_by_a_known_name_is_built_again(
    case: str, write_product: Callable[..., Path]
) -> None:
    macro, call = ON_DUCKDB[case]
    folder = write_product(floe=FLOE, calls=f"{TABLE}select {call} as x")
    found = []
    for run_id in ("5", "5", "7"):
        with duckdb.connect(str(folder / "shop.duckdb")) as warehouse:
            warehouse.execute(f"create or replace macro {macro.format(run_id)}")
        status = _ends(folder, f"{run_id} {len(found)}")["calls"]
        with duckdb.connect(str(folder / "shop.duckdb")) as warehouse:
            found.append((status, *warehouse.execute("select x from calls").fetchall()))
    assert found == [("success", (5,)), ("success", (5,)), ("success", (7,))]
    # In place of the macro, there is the built-in function, or none.
    if "built-in" in case:
        with duckdb.connect(str(folder / "shop.duckdb")) as warehouse:
            warehouse.execute("drop macro upper")
        assert _ends(folder, "8") == {"calls": "success"}


def test_a_function_in_place_of_one_that_lists_functions_hides_none(
    write_product: Callable[..., Path],
) -> None:
    folder = write_product(floe=FLOE, calls=f"{TABLE}select nvl(1, 2) as x")
    for run_id in ("5", "7"):
        with duckdb.connect(str(folder / "shop.duckdb")) as warehouse:
            warehouse.execute("create or replace macro bool_and(a) as true")
            warehouse.execute(f"create or replace macro nvl(a, b) as {run_id}")
        assert _ends(folder, run_id) == {"calls": "success"}
        with duckdb.connect(str(folder / "shop.duckdb")) as warehouse:
            assert warehouse.execute("select x from calls").fetchall() == [(int(run_id),)]


UNIT_TEST = """\
unit_tests:
  - name: is_five
    model: calls
    given: []
    expect: {rows: [{x: 5}]}
"""


def test_a_unit_test_of_what_calls_a_user_defined_function_is_run_again(
    write_product: Callable[..., Path],
) -> None:
    folder = write_product(floe=FLOE, calls=f"{TABLE}select nvl(1, 2) as x")
    (folder / "models/schema.yml").write_text(UNIT_TEST)
    found = []
    for run_id in ("5", "7"):
        with duckdb.connect(str(folder / "shop.duckdb")) as warehouse:
            warehouse.execute(f"create or replace macro nvl(a, b) as {run_id}")
        events = build(compile_product(folder), BuildRequest("shop", run_id))
        ends = {e.unique_id.split(".")[-1]: e.status for e in events if isinstance(e, NodeResult)}
        found.append(ends["is_five"])
    assert found == ["pass", "fail"]


ON_POSTGRES = {
    "nvl": ("nvl(integer, integer)", "nvl(1, 2)"),
    "for other types than the built-in one": ("initcap(integer)", "initcap(1)"),
    "with its schema": ("initcap(integer)", "public.initcap(1)"),
    "like a column": ("full_name(people)", "people.full_name"),
    "an operator": ("plus(boolean, boolean)", "(true + false)"),
}
OPERATOR = """\
create function plus(boolean, boolean) returns integer language sql as 'select 0';
create operator + (leftarg = boolean, rightarg = boolean, function = plus)
"""
PEOPLE = """\
sources:
  - name: public
    tables: [{name: people, config: {meta: {floe: {reuse: content}}}}]
"""


def _execute(database: str, sql: str) -> None:
    with closing(psycopg2.connect(**SERVER, dbname=database)) as connection, connection:
        connection.cursor().execute(sql)


@pytest.mark.parametrize("case", ON_POSTGRES)
def test_on_postgres_what_calls_a_function_by_a_known_name_is_built_again(
    case: str, write_product: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
    function, call = ON_POSTGRES[case]
    with own_database() as database:
        manifest = MANIFEST.replace("COMPUTE", compute(database, "public"))
        calls = f"{TABLE}select {call} as x from {{{{ source('public', 'people') }}}} as people"
        folder = write_product(floe=FLOE, manifest=manifest, calls=calls)
        (folder / "models/schema.yml").write_text(PEOPLE)
        _execute(database, "create table people (id integer); insert into people values (1)")
        _execute(database, OPERATOR if case == "an operator" else "select")
        found = []
        for run_id in ("5", "5", "7"):
            made = f"create or replace function {function} returns integer immutable "
            _execute(database, f"{made} language sql as 'select {run_id}'")
            status = _ends(folder, f"{run_id} {len(found)}")["calls"]
            found.append((status, *rows(database, "select x from public.calls")))
        assert found == [("success", (5,)), ("success", (5,)), ("success", (7,))]


def test_on_postgres_immutable_functions_of_an_extension_are_deterministic(
    write_product: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
    with own_database() as database:
        manifest = MANIFEST.replace("COMPUTE", compute(database, "public"))
        _execute(database, "create extension citext; create extension fuzzystrmatch")
        calls = f"{TABLE}select max('a'::citext) as x, levenshtein('a', 'b') as y"
        folder = write_product(floe=FLOE, manifest=manifest, calls=calls)
        assert [_ends(folder, run_id)["calls"] for run_id in "12"] == ["success", "reused"]
        _execute(
            database,
            "create function levenshtein(integer, integer) returns integer "
            "language sql as 'select 1'",
        )
        assert _ends(folder, "3")["calls"] == "success"


def _ends(folder: Path, run_id: str) -> dict[str, str]:
    """Return node name -> status of a build."""
    events = build(compile_product(folder), BuildRequest("shop", run_id))
    return {e.unique_id.split(".")[2]: e.status for e in events if isinstance(e, NodeResult)}


def test_on_postgres_a_function_that_was_replaced_by_hand_is_built_again(
    write_product: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
    with own_database() as database:
        manifest = MANIFEST.replace("COMPUTE", compute(database, "public"))
        calls = TABLE + "select {{ function('twice') }}(1) as id"
        folder = write_product(floe=FLOE, manifest=manifest, calls=calls)
        (folder / "functions").mkdir()
        (folder / "functions/twice.sql").write_text("select x * 2")
        (folder / "functions/schema.yml").write_text(SCHEMA)
        assert _ends(folder, "1") == {"calls": "success", "twice": "success"}
        assert _ends(folder, "2") == {"calls": "success", "twice": "reused"}
        other = "create or replace function public.twice(x integer) returns integer as 'select 5' "
        with closing(psycopg2.connect(**SERVER, dbname=database)) as connection, connection:
            connection.cursor().execute(other + "language sql")
        assert _ends(folder, "3") == {"calls": "success", "twice": "success"}
        assert rows(database, "select id from public.calls") == [(2,)]
