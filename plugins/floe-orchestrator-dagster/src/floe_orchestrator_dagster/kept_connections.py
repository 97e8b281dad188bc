"""Let Dagster's SQLite event log keep its connections while a launched run lasts.

For every event Dagster makes an engine, opens the file, waits for the disk and closes it again,
which for 1,000 models takes as long as dbt does. Files, tables and statements stay the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster import DagsterInstance
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection

BUSY_TIMEOUT_SECONDS = 60


@contextmanager
def kept_connections(instance: DagsterInstance) -> Iterator[None]:
    """Keep the event log's connections inside the block; any storage but SQLite is left alone."""
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        yield
        return
    engines: dict[str, Engine] = {}

    @contextmanager
    def connect(shard: str) -> Iterator[Connection]:
        with storage._db_lock:
            engine = engines.get(shard) or engines.setdefault(shard, _opened(storage, shard))
            with engine.connect() as connection, connection.begin():
                yield connection

    storage._connect = connect  # type: ignore[method-assign]
    try:
        yield
    finally:
        del storage._connect
        for engine in engines.values():
            engine.dispose()


def _opened(storage: SqliteEventLogStorage, shard: str) -> Engine:
    engine = create_engine(
        storage.conn_string_for_shard(shard), connect_args={"timeout": BUSY_TIMEOUT_SECONDS}
    )
    event.listen(engine, "connect", _wait_less_for_the_disk)
    if shard not in storage._initialized_dbs:
        storage._initdb(engine)
        storage._initialized_dbs.add(shard)
    return engine


def _wait_less_for_the_disk(connection: Any, _: object) -> None:
    """Sync at checkpoints alone: with a write-ahead log that loses nothing if a process dies."""
    connection.execute("PRAGMA synchronous=NORMAL")
