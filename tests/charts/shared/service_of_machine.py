"""A database and a broker of our own on the PostgreSQL and the Redis of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import redis
from own_database import SERVER, own_database, rows

REDIS = os.environ.get("FLOE_TEST_REDIS_URL", "redis://127.0.0.1:6379")


@dataclass(frozen=True)
class Database:
    """An empty database."""

    name: str

    @property
    def connection(self) -> dict[str, str | int]:
        """How to reach it."""
        return {**SERVER, "dbname": self.name}

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Return what a query finds, in a transaction of its own."""
        return rows(self.name, query)


@contextmanager
def database() -> Iterator[Database]:
    """Give a database that is dropped after."""
    with own_database() as name:
        yield Database(name)


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


def _missing(reason: str) -> None:
    if os.environ.get("CI"):
        raise AssertionError(reason)
    pytest.skip(reason)
