"""An adapter whose connections have no cursor, as BigQuery's: its rows come as dbt's own table."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from dbt.adapters.postgres.connections import PostgresConnectionManager
from dbt.cli.main import dbtRunner
from own_database import SERVER, own_database
from planted_differences import CELLS, ON, ON_POSTGRES, ROW

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schemas.policies import DbtProject
from floe_core.warehouse.copied_tables import CopiedTables, open_copies
from floe_core.warehouse.credentials import credentials_of
from floe_core.warehouse.dialect import Relation
from floe_core.warehouse.internals import adapter_with_macros
from floe_core.warehouse.table_contents import contents

# To psycopg2, a month is 30 days.
PLANTED = [each for each in (*CELLS, *ON_POSTGRES) if each.name != "thirty days for a month"]


class WithoutCursors:
    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        names = ("get_thread_connection", "commit")
        self.connections = SimpleNamespace(**{n: getattr(adapter.connections, n) for n in names})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Any, DbtProject]]:
    with own_database() as database:
        port = int(SERVER["port"])
        profile = {
            **{"type": "postgres", "dbname": database, "schema": "ours"},
            **{**SERVER, "port": port},
        }
        dbt = DbtProject(
            project_name="planted",
            profile_name="planted",
            target_name="default",
            adapter="postgres",
            version="",
            profile=profile,
        )
        with closing(psycopg2.connect(**SERVER, dbname=database)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute("create schema ours")
            cursor.execute(f"create table ours.t as {ROW} {ON['postgres']}")
            yield cursor, dbt


@pytest.fixture(scope="module")
def tables(server: tuple[Any, DbtProject], tmp_path_factory: Any) -> Iterator[CopiedTables]:
    folder: Path = tmp_path_factory.mktemp("dbt")
    _, dbt = server
    opened = adapter_with_macros("postgres", credentials_of(dbt, folder), folder)
    copies = closing(sqlite3.connect(":memory:", isolation_level=None))
    with opened as adapter, copies as file:
        yield CopiedTables(WithoutCursors(adapter), dbt, dbt.profile["dbname"], file)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_what_is_planted_is_found(
    server: tuple[Any, DbtProject], tables: CopiedTables, planted: Any
) -> None:
    again = ("drop schema if exists theirs cascade", "create schema theirs")
    for statement in (*again, "create table theirs.t as select * from ours.t", *planted.statements):
        server[0].execute(statement)
    ours, theirs = (contents(tables, Relation(name, "t")) for name in ("ours", "theirs"))
    assert ours.rows == 200
    assert ours != theirs


def test_dbt_may_have_read_another_warehouse_before(
    server: tuple[Any, DbtProject], tmp_path: Path
) -> None:
    """It keeps the adapter of its last command, with that command's connection."""
    profile = server[1].profile
    for name in ("before", "copies"):
        (tmp_path / name).mkdir()
    with own_database() as other:
        output = {**profile, "dbname": other, "schema": "theirs"}
        floe = {"target": "default", "outputs": {"default": output}}
        (tmp_path / "before/profiles.yml").write_text(json.dumps({"floe": floe}))
        (tmp_path / "before/dbt_project.yml").write_text('{"name": "before", "profile": "floe"}')
        place = str(tmp_path / "before")
        done = dbtRunner().invoke(["debug", "--project-dir", place, "--profiles-dir", place])
        assert done.success, done.exception
        with open_copies(server[1], tmp_path / "copies") as found:
            assert found.columns(Relation("ours", "t"))


def test_an_error_of_a_driver_is_named_without_secrets(
    server: tuple[Any, DbtProject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> None:
        raise LookupError(f"no credentials for {SERVER['password']}")

    monkeypatch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
    monkeypatch.setattr(CopiedTables, "_find", fail)
    profile = {**server[1].profile, "password": "{{ env_var('FLOE_TEST_PASSWORD') }}"}
    dbt = server[1].model_copy(update={"profile": profile})
    with open_copies(dbt, tmp_path) as found, pytest.raises(EnvironmentProblemError) as raised:
        found.columns(Relation("ours", "t"))
    assert str(raised.value).startswith("postgres: LookupError: no credentials for ")
    assert SERVER["password"] not in str(raised.value)


def test_a_failure_to_close_does_not_hide_why(
    server: tuple[Any, DbtProject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BigQuery's adapter closes a connection that was never open with an AttributeError."""

    def close(manager: object, connection: Any) -> None:
        raise AttributeError("'NoneType' object has no attribute 'close'")

    monkeypatch.setattr(PostgresConnectionManager, "close", close)
    dbt = server[1].model_copy(update={"profile": {**server[1].profile, "dbname": "nowhere"}})
    missing = 'database "nowhere" does not exist'
    with pytest.raises(EnvironmentProblemError, match=missing), open_copies(dbt, tmp_path):
        raise AssertionError("it was opened")
