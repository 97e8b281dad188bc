"""Let Dagster's event log keep its connections while a product is built.

For every event a run opens a connection and closes it again, and asks which tables and columns
there are; with SQLite it makes an engine and waits for the disk as well. For 1,000 models that is
half of what dbt takes. What is read and written stays the same. A Dagster without the methods that
are replaced here is left as it is: slower, never wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

from dagster import DagsterInstance
from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection

BUSY_TIMEOUT_SECONDS = 60
# A server or a firewall may drop a connection that is older than it seems to us.
RECYCLE_SECONDS = 30
OVERFLOW = 10
_REPLACED = ("has_table", "_has_asset_key_col_on_connection")
_REPLACED_OF_SQLITE = ("_connect", "_db_lock", "_initdb", "_initialized_dbs")


@contextmanager
def kept_connections(instance: DagsterInstance) -> Iterator[None]:
    """Keep the event log's connections inside the block; blocks may be nested."""
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage) or "has_table" in vars(storage):
        yield
        return
    with ExitStack() as stack:
        if _has(storage, _REPLACED):
            stack.enter_context(_remembered_schema(storage))
        if not isinstance(storage, SqliteEventLogStorage):
            _pool_connections(storage)
        elif _has(storage, _REPLACED_OF_SQLITE):
            stack.enter_context(_kept_files(storage))
        yield


def _has(storage: SqlEventLogStorage, names: Iterable[str]) -> bool:
    return all(hasattr(storage, name) for name in names)


@contextmanager
def _remembered_schema(storage: SqlEventLogStorage) -> Iterator[None]:
    """Ask once for each table and column: nobody migrates a database under a run."""
    has_table, has_column = storage.has_table, storage._has_asset_key_col_on_connection
    columns: dict[str, bool] = {}

    def has_asset_key_col(connection: Connection, name: str) -> bool:
        if name not in columns:
            columns[name] = has_column(connection, name)
        return columns[name]

    storage.has_table = cache(has_table)  # type: ignore[method-assign]
    storage._has_asset_key_col_on_connection = has_asset_key_col  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        del storage.has_table, storage._has_asset_key_col_on_connection


def _pool_connections(storage: SqlEventLogStorage) -> None:
    """Have a database server's connections kept as Dagster's webserver keeps them."""
    storage.optimize_for_webserver(
        statement_timeout=0, pool_recycle=RECYCLE_SECONDS, max_overflow=OVERFLOW
    )


@contextmanager
def _kept_files(storage: SqliteEventLogStorage) -> Iterator[None]:
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
