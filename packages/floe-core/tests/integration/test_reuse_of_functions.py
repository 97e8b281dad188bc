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
