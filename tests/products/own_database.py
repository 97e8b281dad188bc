"""An empty database of one's own on the PostgreSQL of this machine."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest

HOST = os.environ.get("FLOE_TEST_POSTGRES_HOST", "127.0.0.1")
PORT = int(os.environ.get("FLOE_TEST_POSTGRES_PORT", "5432"))
USER = os.environ.get("FLOE_TEST_POSTGRES_USER", "postgres")
PASSWORD = os.environ.get("FLOE_TEST_POSTGRES_PASSWORD", "trusted-by-the-server")
SERVER: dict[str, Any] = {"host": HOST, "port": PORT, "user": USER, "password": PASSWORD}
MAINTENANCE = os.environ.get("FLOE_TEST_POSTGRES_DATABASE", "test")


def connected(database: str = MAINTENANCE) -> psycopg2.extensions.connection:
    """Return a connection in which each statement is a transaction.

    Skips the test where there is no PostgreSQL; an error in CI.
    """
    try:
        opened = psycopg2.connect(**SERVER, dbname=database, connect_timeout=3)
    except psycopg2.OperationalError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL at {HOST}:{PORT}: {error}")
    opened.autocommit = True
    return opened


@contextmanager
def own_database() -> Iterator[str]:
    """Give the name of a database that is there for the length of the block; see `connected`."""
    name = f"floe_{uuid.uuid4().hex[:8]}"
    with closing(connected()) as opened, opened.cursor() as cursor:
        cursor.execute(f"create database {name}")
        try:
            yield name
        finally:
            cursor.execute(f"drop database {name} with (force)")


def rows(database: str, query: str, *values: object) -> list[tuple[object, ...]]:
    """Return what a query finds."""
    with closing(connected(database)) as opened, opened.cursor() as cursor:
        cursor.execute(query, values)
        found: list[tuple[object, ...]] = cursor.fetchall()
        return found


def url_of(database: str, driver: str) -> str:
    """Return SQLAlchemy's URL of a database."""
    return f"postgresql+{driver}://{USER}:{quote(PASSWORD)}@{HOST}:{PORT}/{database}"


def compute(database: str, schema: str, more: str = "threads: 2") -> str:
    """Return `plugins.compute` of a manifest; the password is in FLOE_TEST_PASSWORD."""
    place = ", ".join(f"{name}: {SERVER[name]}" for name in ("host", "port", "user"))
    secret = "\"{{ env_var('FLOE_TEST_PASSWORD') }}\""
    settings = f"{place}, password: {secret}, dbname: {database}, schema: {schema}, {more}"
    return f"type: postgres, config: {{{settings}}}"
