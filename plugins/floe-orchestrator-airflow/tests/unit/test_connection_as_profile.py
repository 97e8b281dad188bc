"""Airflow's own secrets backends give a connection; its fields are those of a dbt profile."""

from __future__ import annotations

import json
from typing import Any

import pytest

from floe_orchestrator_airflow.service.connection_fields import read_connection


def connection(monkeypatch: pytest.MonkeyPatch, **parts: Any) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WH", json.dumps(parts))


def test_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    connection(
        monkeypatch,
        conn_type="postgres",
        host="db",
        login="me",
        password="hunter2",
        port=5433,
        schema="shop",
        extra={"sslmode": "require", "keepalives_idle": 30, "role": ""},
    )
    fields = read_connection("wh", "postgres")
    assert {name: fields.get(name) for name in ("host", "user", "password", "port")} == {
        "host": "db",
        "user": "me",
        "password": "hunter2",
        "port": 5433,
    }
    assert (fields["dbname"], fields["sslmode"]) == ("shop", "require")
    assert "role" not in fields


def test_it_is_read_where_airflow_forbids_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a task."""
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "airflow-db-not-allowed:///")
    connection(monkeypatch, conn_type="postgres", login="me")
    assert read_connection("wh", "postgres")["user"] == "me"


def test_snowflake_joins_the_account_and_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"extra__snowflake__account": "acme", "region": "eu-west-1", "warehouse": "small"}
    connection(monkeypatch, conn_type="snowflake", login="me", password="pw", extra=extra)
    fields = read_connection("wh", "snowflake")
    assert (fields["account"], fields["user"], fields["warehouse"]) == (
        "acme.eu-west-1",
        "me",
        "small",
    )


def test_databricks_takes_the_password_for_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    connection(
        monkeypatch,
        conn_type="databricks",
        host="https://x",
        password="dapi",
        extra={"http_path": "/y"},
    )
    fields = read_connection("wh", "databricks")
    assert (fields["host"], fields["token"], fields["http_path"]) == ("x", "dapi", "/y")


def test_a_url_is_a_connection_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WH", "postgres://me:p%40ss@db:5432/shop?sslmode=disable")
    fields = read_connection("wh", "postgres")
    assert (fields["password"], fields["dbname"], fields["sslmode"]) == ("p@ss", "shop", "disable")


def test_another_type_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    connection(monkeypatch, conn_type="mysql", host="db")
    with pytest.raises(LookupError, match="it is of type 'mysql'; postgres needs one of type pos"):
        read_connection("wh", "postgres")
