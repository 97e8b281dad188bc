"""Query a product's warehouse, through a connection opened by dbt's adapter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import chdir, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.schemas.policies import DbtProject
from floe_core.warehouse.copied_tables import Copies, open_copies
from floe_core.warehouse.credentials import credentials_of, without_secrets
from floe_core.warehouse.dialect import Dialect, Relation, Row, literal, quote_name
from floe_core.warehouse.dialects import dialect_of
from floe_core.warehouse.duckdb_file import PlainFile, duckdb_file, plain_file
from floe_core.warehouse.internals import connection_manager, dbt_error, duckdb_environment
from floe_core.warehouse.served_connection import ServedConnection
from floe_core.warehouse.warehouse import SQLWarehouse, Warehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

IN_MEMORY, MEMORY = ":memory:", "memory"


@contextmanager
def open_warehouse(
    dbt: DbtProject, project_dir: Path, *, is_served: bool = False, may_be_new: bool = False
) -> Iterator[Warehouse]:
    """Open the warehouse of a product's profile; a DuckDB file for reading only.

    With `is_served`, this process opens it for another one, and its session ends with the process.
    With `may_be_new`, a DuckDB file that does not exist counts as an empty one.

    Raises:
        UsageError: The tables are in no DuckDB file, but in memory.
        EnvironmentProblemError: The warehouse can't be opened.
    """
    # dbt resolves relative paths, also of attached files, against the product's folder.
    with (
        chdir(project_dir),
        connect(dbt, project_dir, is_served=is_served, may_be_new=may_be_new) as opened,
    ):
        yield opened


@contextmanager
def connect(
    dbt: DbtProject, project_dir: Path, *, is_served: bool = False, may_be_new: bool = False
) -> Iterator[Warehouse]:
    """Open a warehouse as `open_warehouse` does, for a process that is in the product's folder.

    A process has one current folder: if several threads change it at once, it may stay changed.
    """
    dialect = dialect_of(dbt.adapter)
    opened: PlainDuckDBFile | DuckDBFile | AdapterConnection | ServedConnection
    if plain := plain_file(dbt, project_dir):
        opened = PlainDuckDBFile(plain, dialect, may_be_new=may_be_new)
    elif dbt.adapter == "duckdb":
        opened = DuckDBFile(dbt, dialect, project_dir, may_be_new=may_be_new)
    elif isinstance(dialect, Copies):
        opened = open_by_copies(dbt, project_dir)
    elif dialect.is_alone and not (is_served or dialect.has_session()):
        # While this process has a session, another process can't open the metastore.
        served = partial(open_warehouse, dbt, project_dir, is_served=True)
        opened = ServedConnection(dialect, served)
    else:
        opened = AdapterConnection(dbt, dialect, project_dir)
    try:
        apply_settings(opened)
        yield opened
    finally:
        opened.close()


def open_by_copies(dbt: DbtProject, project_dir: Path) -> ServedConnection:
    """Open a warehouse that floe has no SQL for; see `copied_tables`."""
    return ServedConnection(Copies(), partial(open_copies, dbt, project_dir))


def apply_settings(opened: Warehouse) -> None:
    """Apply the settings of the dialect to a connection, so that hashes are always the same."""
    for setting in opened.dialect.settings:
        opened.run(setting)


class AdapterConnection(SQLWarehouse):
    """A connection of the adapter's own connection manager."""

    def __init__(self, dbt: DbtProject, dialect: Dialect, project_dir: Path) -> None:
        self.dialect = dialect
        self._dbt = dbt
        credentials = credentials_of(dbt, project_dir)
        self._connections = connection_manager(dbt.adapter, credentials)
        self._connections.set_connection_name("floe")
        with self._translated_errors():
            dialect.prepare(self._connections.get_thread_connection().handle)
        self._undo = dialect.undo_settings(self.rows)

    def rows(self, query: str) -> list[Row]:
        """See `Warehouse.rows`."""
        found = [tuple(row) for row in self._execute(query).fetchall()]
        self._connections.commit_if_has_connection()
        return found

    def run(self, statement: str) -> None:
        """See `Warehouse.run`."""
        self._execute(statement)
        self._connections.commit_if_has_connection()

    def close(self) -> None:
        """Close the connection."""
        for statement in self._undo:
            self.run(statement)
        self._connections.cleanup_all()

    def _execute(self, sql: str) -> Any:
        with self._translated_errors():
            return self._connections.add_query(sql)[1]

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except dbt_error() as error:
            what = f"{self._dbt.adapter}: {without_secrets(str(error), self._dbt)}"
            raise EnvironmentProblemError(what) from error


class DuckDBCursor(SQLWarehouse):
    """DuckDB through a cursor of this process."""

    def __init__(self, cursor: DuckDBPyConnection, dialect: Dialect) -> None:
        self.dialect = dialect
        self._cursor = cursor

    def rows(self, query: str) -> list[Row]:
        """See `Warehouse.rows`."""
        with _translated_errors():
            return list(self._cursor.execute(query).fetchall())

    def run(self, statement: str) -> None:
        """See `Warehouse.run`."""
        with _translated_errors():
            self._cursor.execute(statement)

    def columns(self, relation: Relation) -> list[tuple[str, str]]:
        """See `Warehouse.columns`."""
        from duckdb import CatalogException

        try:
            with _translated_errors(CatalogException):
                found = self._cursor.execute(self.dialect.columns(relation)).fetchall()
        except CatalogException:
            return []
        return [(str(name), str(kind)) for name, kind in found]


class PlainDuckDBFile(DuckDBCursor):
    """A file attached for reading only, by itself."""

    def __init__(self, file: PlainFile, dialect: Dialect, *, may_be_new: bool = False) -> None:
        import duckdb

        name = quote_name(file.database)
        super().__init__(duckdb.connect(IN_MEMORY), dialect)
        if may_be_new and not Path(file.path).exists():
            self.run(f"attach '{IN_MEMORY}' as {name}")
        else:
            self.run(f"attach {literal(file.path)} as {name} (read_only)")
        self.run(f"use {name}")

    def close(self) -> None:
        """Close the file."""
        self._cursor.close()


class DuckDBFile(DuckDBCursor):
    """A file attached for reading only, with everything that the profile attaches and loads.

    With `may_be_new`, a file that does not exist is not an error, and is not created.
    """

    def __init__(
        self, dbt: DbtProject, dialect: Dialect, project_dir: Path, *, may_be_new: bool = False
    ) -> None:
        file = duckdb_file(dbt.profile, project_dir)
        if file is None:
            raise UsageError("DuckDB's tables are compared in a file; this product's are in none")
        name = credentials_of(dbt, project_dir).database
        own: dict[str, object] = {"path": str(file), "alias": quote_name(name), "read_only": True}
        if may_be_new and not file.exists():
            own = {"path": IN_MEMORY, "alias": quote_name(name)}
        others = [{**each, "read_only": True} for each in dbt.profile.get("attach") or ()]
        # dbt-duckdb itself opens files for writing.
        in_memory = {"path": IN_MEMORY, "database": MEMORY, "attach": [*others, own]}
        self._environment = duckdb_environment(credentials_of(dbt, project_dir, in_memory))
        with _translated_errors():
            super().__init__(self._environment.handle().cursor(), dialect)
        self.run(f"use {quote_name(name)}")

    def close(self) -> None:
        """Close the file."""
        self._environment.close()


@contextmanager
def _translated_errors(passed_on: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    from duckdb import Error

    try:
        yield
    except passed_on:
        raise
    except Error as error:
        raise EnvironmentProblemError(f"duckdb: {error}") from error
