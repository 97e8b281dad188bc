"""A database and a broker of our own on the PostgreSQL and the Redis of this machine."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg2
import pytest
import redis

HOST = os.environ.get("FLOE_TEST_POSTGRES_HOST", "127.0.0.1")
PORT = int(os.environ.get("FLOE_TEST_POSTGRES_PORT", "5432"))
USER = os.environ.get("FLOE_TEST_POSTGRES_USER", "postgres")
PASSWORD = os.environ.get("FLOE_TEST_POSTGRES_PASSWORD", "trusted-by-the-server")
MAINTENANCE = os.environ.get("FLOE_TEST_POSTGRES_DATABASE", "test")
REDIS = os.environ.get("FLOE_TEST_REDIS_URL", "redis://127.0.0.1:6379")


@dataclass(frozen=True)
class Database:
    """An empty database."""

    name: str

    @property
    def connection(self) -> dict[str, str | int]:
        """How to reach it."""
        return {"host": HOST, "port": PORT, "user": USER, "password": PASSWORD, "dbname": self.name}

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Return what a query finds, in a transaction of its own."""
        with closing(psycopg2.connect(**self.connection)) as opened, opened.cursor() as cursor:
            cursor.execute(query)
            found: list[tuple[object, ...]] = cursor.fetchall()
            return found


@contextmanager
def database() -> Iterator[Database]:
    """Give a database that is dropped after."""
    name = f"floe_chart_{uuid.uuid4().hex[:8]}"
    _execute(f"create database {name}")
    try:
        yield Database(name)
    finally:
        _execute(f"drop database {name} with (force)")


@contextmanager
def broker() -> Iterator[str]:
    """Give the URL of an empty Redis database, emptied after."""
    for number in range(15, 0, -1):
        url = f"{REDIS}/{number}"
        with redis.Redis.from_url(url) as client:
            try:
                # Ours from here on: the next to look finds a key.
                is_free = client.dbsize() == 0 and client.set("floe-chart-test", "1", nx=True)
            except redis.ConnectionError as error:
                _missing(f"no Redis at {REDIS}: {error}")
            if is_free:
                try:
                    yield url
                finally:
                    client.flushdb()
                return
    raise AssertionError(f"no database of {REDIS} is empty")


def _execute(statement: str) -> None:
    parameters = {**Database(MAINTENANCE).connection, "connect_timeout": 3}
    try:
        opened = psycopg2.connect(**parameters)
    except psycopg2.OperationalError as error:
        _missing(f"no PostgreSQL at {HOST}:{PORT}: {error}")
    opened.autocommit = True
    with closing(opened), opened.cursor() as cursor:
        cursor.execute(statement)


def _missing(reason: str) -> None:
    if os.environ.get("CI"):
        raise AssertionError(reason)
    pytest.skip(reason)
