"""An empty database of one's own on the PostgreSQL of this machine."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import quote

import psycopg2
import pytest

SERVER = {
    "host": os.environ.get("FLOE_TEST_POSTGRES_HOST", "127.0.0.1"),
    "port": os.environ.get("FLOE_TEST_POSTGRES_PORT", "5432"),
    "user": os.environ.get("FLOE_TEST_POSTGRES_USER", "postgres"),
    "password": os.environ.get("FLOE_TEST_POSTGRES_PASSWORD", "trusted-by-the-server"),
}
MAINTENANCE = os.environ.get("FLOE_TEST_POSTGRES_DATABASE", "test")


@contextmanager
def own_database() -> Iterator[str]:
    """Give the name of a database that is there for the length of the block.

    Skips the test where there is no PostgreSQL; an error in CI.
    """
    try:
        opened = psycopg2.connect(**SERVER, dbname=MAINTENANCE, connect_timeout=3)
    except psycopg2.OperationalError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL at {SERVER['host']}:{SERVER['port']}: {error}")
    opened.autocommit = True
    name = f"floe_{uuid.uuid4().hex[:8]}"
    with closing(opened), opened.cursor() as cursor:
        cursor.execute(f"create database {name}")
        try:
            yield name
        finally:
            cursor.execute(f"drop database {name} with (force)")


def rows(database: str, query: str, *values: object) -> list[tuple[object, ...]]:
    """Return what a query finds."""
    with closing(psycopg2.connect(**SERVER, dbname=database)) as opened, opened.cursor() as cursor:
        cursor.execute(query, values)
        found: list[tuple[object, ...]] = cursor.fetchall()
        return found


def url_of(database: str, driver: str) -> str:
    """Return SQLAlchemy's URL of a database."""
    login, place = (
        f"{SERVER['user']}:{quote(SERVER['password'])}",
        f"{SERVER['host']}:{SERVER['port']}",
    )
    return f"postgresql+{driver}://{login}@{place}/{database}"


def compute(database: str, schema: str, more: str = "threads: 2") -> str:
    """Return `plugins.compute` of a manifest; the password is in FLOE_TEST_PASSWORD."""
    place = ", ".join(f"{key}: {SERVER[key]}" for key in ("host", "port", "user"))
    secret = "\"{{ env_var('FLOE_TEST_PASSWORD') }}\""
    settings = f"{place}, password: {secret}, dbname: {database}, schema: {schema}, {more}"
    return f"type: postgres, config: {{{settings}}}"
