"""Make Dagster's event log cost less while a product is built.

For every event a run asks which tables and columns there are, and opens a connection and closes it
again; with SQLite it makes an engine and waits for the disk as well. For 1,000 models that is half
of what dbt takes. So the answers are kept, and SQLite's connections; those to a database server are
not, as Dagster holds none for each run that waits for a model. What is read and written stays the
same. A Dagster without the methods that are replaced here is left as it is: slower, never wrong.
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
_REPLACED = ("has_table", "_has_asset_key_col_on_connection")
_REPLACED_OF_SQLITE = ("_connect", "_db_lock", "_initdb", "_initialized_dbs")
_IS_REPLACED = {"has_table", "_connect"}


@contextmanager
def lighter_event_log(instance: DagsterInstance) -> Iterator[None]:
    """Keep what the event log can keep inside the block; blocks may be nested."""
    storage = instance.event_log_storage
    with ExitStack() as stack:
        if isinstance(storage, SqlEventLogStorage) and not _IS_REPLACED & vars(storage).keys():
            stack.enter_context(_kept(storage))
        yield


@contextmanager
def _kept(storage: SqlEventLogStorage) -> Iterator[None]:
    with ExitStack() as stack:
        if _has(storage, _REPLACED):
            stack.enter_context(_remembered_schema(storage))
        if isinstance(storage, SqliteEventLogStorage) and _has(storage, _REPLACED_OF_SQLITE):
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
