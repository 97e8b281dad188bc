"""`floe ci` on PostgreSQL: schemas of its own, production left as it is, also after SIGKILL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from changed_shop import WHOLE_AMOUNT, build_production, write_shop
from own_database import SERVER, compute, own_database, rows
from typer.testing import CliRunner

from floe_core.cli.main import app
from floe_core.foundation.errors import UsageError

SCHEMAS = (
    "select nspname from pg_namespace where nspname !~ '^pg_|^information_schema$' order by nspname"
)
# Every relation with its rows' versions, which change with any write; every schema's rights.
STATE = """
select n.nspname, n.oid, n.nspacl::text, c.relname, c.relfilenode, c.xmin::text
from pg_namespace n left join pg_class c on c.relnamespace = n.oid
where n.nspname in ('live', 'public') order by 1, 4
"""
# A view over a table that is built again: production's own is not replaced.
VIEW = {"models/names.sql": "select customer from {{ ref('revenue') }}\n"}
SLOW = {
    "models/slow.sql": "{{ config(materialized='table') }}\n"
    "select customer, pg_sleep(20)::text as slept from {{ ref('revenue') }} limit 1\n"
}


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
    monkeypatch.chdir(tmp_path)
    with own_database() as name:
        yield name


def write(folder: Path, database: str, *changes: dict[str, str]) -> Path:
    return write_shop(folder, *changes, compute=f"  compute: {{{compute(database, 'live')}}}\n")


def production(folder: Path, database: str, *changes: dict[str, str]) -> Path:
    product = write(folder, database, *changes)
    place = ", ".join(f"{key}: {json.dumps(value)}" for key, value in SERVER.items())
    build_production(product, f"type: postgres, {place}, dbname: {database}, schema: live")
    return product


def check(*arguments: str) -> Any:
    done = CliRunner().invoke(app, ["ci", *arguments, "--json"], catch_exceptions=False)
    return json.loads(done.stdout)


def test_what_differs_is_built_in_schemas_that_go_and_nothing_else_is_written(
    database: str, tmp_path: Path
) -> None:
    production(tmp_path / "base", database, VIEW)
    write(tmp_path / "head", database, VIEW, WHOLE_AMOUNT)
    before = rows(database, STATE)
    found = check("base", "head")
    assert {i.split(".")[2]: each["status"] for i, each in found["nodes"].items()} == {
        "stg_orders": "success",
        "revenue": "success",
        "report": "success",
        "unique_revenue_customer": "pass",
    }
    assert [(each["node_id"], each["what"]) for each in found["breaking"]] == [
        ("model.shop.report", "column revenue: numeric becomes bigint"),
        ("model.shop.revenue", "column revenue: numeric becomes bigint"),
        ("model.shop.stg_orders", "column amount: numeric becomes integer"),
    ]
    assert found["data"]["compared"] == 3
    assert rows(database, STATE) == before
    assert rows(database, SCHEMAS) == [("live",), ("public",)]
    assert list((tmp_path / "head" / ".floe" / "ci").iterdir()) == []


@pytest.mark.slow
def test_a_killed_check_leaves_production_alone_and_the_next_removes_what_is_left(
    database: str, tmp_path: Path
) -> None:
    production(tmp_path / "base", database)
    write(tmp_path / "head", database, WHOLE_AMOUNT, SLOW)
    before = rows(database, STATE)
    floe = Path(sys.executable).with_name("floe")
    killed = subprocess.Popen(
        [floe, "ci", "base", "head"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until_slow_runs(database)
    finally:
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
    [left] = [name for (name,) in rows(database, SCHEMAS) if name not in ("live", "public")]
    [entry] = (tmp_path / "head" / ".floe" / "ci").glob("floe-ci-*.json")
    folder = json.loads(entry.read_text())["folder"]
    assert Path(folder).is_dir()
    assert rows(database, STATE) == before
    write(tmp_path / "head", database, {"models/slow.sql": ""})
    done = subprocess.run([floe, "ci", "base", "head"], check=False, capture_output=True, text=True)
    told = " ".join(done.stderr.split())
    assert f"removed {folder}, left by a check that was killed" in told
    assert f"dropped the schema {left}, left by a ci run that was killed" in told
    assert not Path(folder).exists()
    assert rows(database, SCHEMAS) == [("live",), ("public",)]
    assert rows(database, STATE) == before
    assert list((tmp_path / "head" / ".floe" / "ci").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_check_that_is_canceled_leaves_nothing(
    database: str, tmp_path: Path, number: signal.Signals
) -> None:
    production(tmp_path / "base", database)
    write(tmp_path / "head", database, WHOLE_AMOUNT, SLOW)
    before = rows(database, STATE)
    floe = Path(sys.executable).with_name("floe")
    canceled = subprocess.Popen([floe, "ci", "base", "head"], stdout=subprocess.DEVNULL)
    try:
        wait_until_slow_runs(database)
    finally:
        canceled.send_signal(number)
        assert canceled.wait(60) == 130
    assert rows(database, SCHEMAS) == [("live",), ("public",)]
    assert rows(database, STATE) == before
    assert list((tmp_path / "head" / ".floe" / "ci").iterdir()) == []


def wait_until_slow_runs(database: str) -> None:
    query = "select count(*) from pg_stat_activity where query ~ 'pg_sleep' and datname = %s"
    for _ in range(1200):
        if rows(database, query + " and pid <> pg_backend_pid()", database) != [(0,)]:
            return
        time.sleep(0.1)
    raise AssertionError("dbt did not come to the slow model in two minutes")


def test_a_production_without_the_base_is_built_where_it_is_read(
    database: str, tmp_path: Path
) -> None:
    write(tmp_path / "base", database)
    write(tmp_path / "head", database, WHOLE_AMOUNT)
    found = check("base", "head")
    assert found["status"] == "success"
    assert found["nodes"]["seed.shop.raw_orders"]["why"] == (
        "not in production, and stg_orders reads it"
    )
    assert found["data"] is None
    assert rows(database, SCHEMAS) == [("public",)]


def test_two_kinds_of_warehouses_are_refused(database: str, tmp_path: Path) -> None:
    write(tmp_path / "base", database)
    write_shop(tmp_path / "head")
    with pytest.raises(UsageError) as refused:
        check("base", "head")
    assert str(refused.value) == (
        "the base is on postgres and the head on duckdb: tables of two kinds of warehouses can't "
        "be compared"
    )


def test_a_table_of_production_that_is_locked_is_only_read(database: str, tmp_path: Path) -> None:
    """A transaction that reads production's tables for long does not hold a check up."""
    production(tmp_path / "base", database)
    write(tmp_path / "head", database, WHOLE_AMOUNT)
    with closing(psycopg2.connect(**SERVER, dbname=database)) as connection:
        connection.cursor().execute("lock table live.revenue in share mode")
        assert check("base", "head")["status"] == "success"
