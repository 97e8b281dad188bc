"""Collations and types decide how values compare: whatever reads them is built again if they change."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest
from own_database import SERVER, compute, own_database
from reusing_product import FLOE

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, NodeResult, build

WriteProduct = Callable[..., Path]
Run = Callable[[str], list[tuple[Any, ...]]]

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: plain}
  compute: {COMPUTE}
"""
SOURCES = """\
sources:
  - name: main
    tables: [{name: words, config: {meta: {floe: {reuse: content}}}}]
"""
TABLE = "{{ config(materialized='table') }} "
SORTED = TABLE + "select array_agg(x order by x)::text as xs from {{ source('main', 'words') }}"
WORDS = "create table main.words (x TYPE); insert into main.words values ('a'), ('B')"

# What is there first, the model that reads it, what is then changed, and the model's rows after.
ON_POSTGRES = {
    "a column's collation": (
        WORDS.replace("TYPE", "text"),
        SORTED,
        'alter table main.words alter x type text collate "en-x-icu"',
        ["{B,a}", "{a,B}"],
    ),
    "the name of an enum's value": (
        "create type main.mood as enum ('a', 'B');" + WORDS.replace("TYPE", "main.mood"),
        SORTED,
        "alter type main.mood rename value 'a' to 'z'",
        ["{a,B}", "{z,B}"],
    ),
    "the order of an enum": (
        "create type main.mood as enum ('a', 'b')",
        TABLE + "select ('a'::main.mood < 'b'::main.mood)::text as xs",
        "drop type main.mood; create type main.mood as enum ('b', 'a')",
        ["true", "false"],
    ),
    "a domain": (
        "create domain main.price as numeric(9, 2)",
        TABLE + "select 1.239::main.price::text as xs",
        "drop domain main.price; create domain main.price as numeric(9, 1)",
        ["1.24", "1.2"],
    ),
    "a cast": (
        "create function main.f(boolean) returns date language sql immutable "
        "as $$select date '2026-01-01'$$; create cast (boolean as date) with function main.f",
        TABLE + "select true::date::text as xs",
        "create or replace function main.f(boolean) returns date language sql immutable "
        "as $$select date '2027-01-01'$$",
        ["2026-01-01", "2027-01-01"],
    ),
}
ON_DUCKDB = {
    "a column's collation": (
        WORDS.replace("TYPE", "varchar"),
        SORTED,
        "alter table main.words alter x type varchar collate nocase",
        ["[B, a]", "[a, B]"],
    ),
    "the order of an enum": (
        "create type mood as enum ('a', 'b')",
        TABLE + "select ('a'::mood < 'b'::mood)::text as xs",
        "drop type mood; create type mood as enum ('b', 'a')",
        ["true", "false"],
    ),
    "the fields of a type": (
        "create type pair as struct(a integer, b integer)",
        TABLE + "select row(1, 2)::pair::text as xs",
        "drop type pair; create type pair as struct(a integer, b double)",
        ["{'a': 1, 'b': 2}", "{'a': 1, 'b': 2.0}"],
    ),
}


def check(folder: Path, run: Run, prepared: str, changed: str, expected: list[str]) -> None:
    """Build twice, change something, and build again."""
    run(prepared)
    found = []
    for number, change in enumerate(("", "", changed)):
        run(change)
        found.append((_ends(folder, str(number))["sorted"], run("select xs from main.sorted")))
    one, two = expected
    assert found == [("success", [(one,)]), ("reused", [(one,)]), ("success", [(two,)])]


@pytest.mark.parametrize("case", ON_POSTGRES)
def test_on_postgres(
    case: str, write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
    prepared, model, changed, expected = ON_POSTGRES[case]
    with own_database() as database:
        folder = _write(write_product, compute(database, "main"), model)
        _run_on_postgres(database, "create schema main")
        check(folder, partial(_run_on_postgres, database), prepared, changed, expected)


@pytest.mark.parametrize("case", ON_DUCKDB)
def test_on_duckdb(case: str, write_product: WriteProduct) -> None:
    prepared, model, changed, expected = ON_DUCKDB[case]
    folder = _write(write_product, "type: duckdb, config: {path: shop.duckdb}", model)
    check(folder, partial(_run_on_duckdb, folder), prepared, changed, expected)


# What a table reads, straight or through a view, of a table with either collation.
OF_COLLATION = {
    "an order in a table": (
        "",
        SORTED.replace("source('main', 'words')", "ref('first')"),
        ["{B,a}", "{a,B}"],
    ),
    "a comparison in a view": (
        "select count(*)::text as xs from {{ ref('first') }} where x < 'b'",
        TABLE + "select xs from {{ ref('compared') }}",
        ["2", "1"],
    ),
}


@pytest.mark.parametrize("case", OF_COLLATION)
def test_on_postgres_a_rebuilt_table_with_another_collation_has_other_content(
    case: str, write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
    view, reader, expected = OF_COLLATION[case]
    with own_database() as database:
        folder = _write(write_product, compute(database, "main"), reader)
        if view:
            (folder / "models/compared.sql").write_text("{{ config(materialized='view') }}" + view)
        found = []
        for number, collation in enumerate(('"C"', '"en-x-icu"')):
            # That it varies has its content compared.
            rows = (
                "select x collate {} as x from (values ('a'), ('B')) v (x) where now() is not null"
            )
            (folder / "models/first.sql").write_text(TABLE + rows.format(collation))
            status = _ends(folder, str(number))["sorted"]
            found.append((status, _run_on_postgres(database, "select xs from main.sorted")))
    assert found == [("success", [(xs,)]) for xs in expected]


def _write(write_product: WriteProduct, where: str, model: str) -> Path:
    manifest = MANIFEST.replace("COMPUTE", where)
    folder = write_product(floe=FLOE, manifest=manifest, sorted=model)
    (folder / "models/schema.yml").write_text(SOURCES)
    return folder


def _run_on_postgres(database: str, sql: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(**SERVER, dbname=database)) as opened, opened:
        cursor = opened.cursor()
        cursor.execute(sql or "select")
        return cursor.fetchall() if cursor.description else []


def _run_on_duckdb(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / "shop.duckdb")) as opened:
        return opened.execute(sql or "select 1").fetchall()


def _ends(folder: Path, run_id: str) -> dict[str, str]:
    """Return node name -> status of a build."""
    events = build(compile_product(folder), BuildRequest("shop", run_id))
    return {e.unique_id.split(".")[2]: e.status for e in events if isinstance(e, NodeResult)}
