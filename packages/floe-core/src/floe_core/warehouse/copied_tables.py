"""Compare tables of a warehouse that floe has no SQL for: copy them to a local file first.

The copies are read through dbt's own adapter: its macros list schemas, relations and columns, as
they do for every build, and its connection fetches the rows. What the driver returns is written as
text to a SQLite file that is removed at the end, and hashed there.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schemas.policies import DbtProject
from floe_core.warehouse.credentials import credentials_of, without_secrets
from floe_core.warehouse.dialect import Dialect, Relation, Row
from floe_core.warehouse.internals import adapter_with_macros, dbt_error, has_cursors
from floe_core.warehouse.sqlite_dialect import SQLite

FILE = "copies.sqlite"
ROWS_AT_ONCE = 10_000
# What reading takes in place of the profile's: ClickHouse's adapter creates a schema that it
# connects to, and reading must not.
READ_FROM = {"clickhouse": {"schema": "default"}}


class Copies(SQLite):
    """The SQL of the copies. Their names keep the case of letters, which SQLite ignores."""

    def quote_name(self, name: str) -> str:
        """See `Dialect.quote_name`."""
        return f'"n{name.encode("utf-8", "surrogatepass").hex()}"'

    def place(self, relation: Relation) -> str:
        """See `Dialect.place`."""
        return self.quote_name(f"{relation.schema}\0{relation.name}")


@contextmanager
def open_copies(dbt: DbtProject, project_dir: Path) -> Iterator[CopiedTables]:
    """Open a warehouse through its adapter, in a process that has no other.

    Raises:
        EnvironmentProblemError: The warehouse can't be opened.
    """
    with TemporaryDirectory(prefix="floe-copies-") as folder, chdir(project_dir):
        credentials = credentials_of(dbt, project_dir, READ_FROM.get(dbt.adapter))
        with (
            _translated_errors(dbt),
            adapter_with_macros(dbt.adapter, credentials, Path(folder)) as adapter,
            closing(_local_file(Path(folder) / FILE)) as copies,
        ):
            # dbt connects when it has something to send.
            _ = adapter.connections.get_thread_connection().handle
            yield CopiedTables(adapter, dbt, str(credentials.database or ""), copies)


@contextmanager
def _translated_errors(dbt: DbtProject) -> Iterator[None]:
    """Make a problem of any error: dbt wraps only some of those of a driver."""
    try:
        yield
    except (EnvironmentProblemError, EOFError):
        raise
    except Exception as error:
        first = _first_of_dbt(error)
        text = str(first) if first else f"{type(error).__name__}: {error}"
        raise EnvironmentProblemError(f"{dbt.adapter}: {without_secrets(text, dbt)}") from error


def _first_of_dbt(error: BaseException | None) -> BaseException | None:
    """Return the first error of dbt that led to this one: an adapter may fail to close."""
    found = None
    while error is not None:
        found = error if isinstance(error, dbt_error()) else found
        error = error.__cause__ or error.__context__
    return found


def _local_file(path: Path) -> sqlite3.Connection:
    found = sqlite3.connect(path, isolation_level=None)
    # Nobody else reads the file, and nothing is lost with it.
    for setting in ("journal_mode = off", "synchronous = off", "locking_mode = exclusive"):
        found.execute(f"pragma {setting}")
    return found


class CopiedTables:
    """A warehouse of any adapter.

    `rows` and `run` see copies: of relations that `columns` has returned, as they are when they are
    first named. Which relations there are is asked once for each schema.
    """

    def __init__(
        self,
        adapter: Any,
        dbt: DbtProject,
        database: str,
        copies: sqlite3.Connection,
    ) -> None:
        self.dialect: Dialect = Copies()
        self.dialect.prepare(copies)
        # Catalogs compare it with the databases of dbt's manifest.
        copies.create_function("current_database", 0, lambda: database)
        self._adapter = adapter
        self._database = database
        self._copies = copies
        self._dbt = dbt
        self._to_copy: dict[str, tuple[Any, list[str]]] = {}
        self._listed: dict[str, dict[str, Any]] = {}

    def rows(self, query: str) -> list[Row]:
        """See `Warehouse.rows`."""
        with _translated_errors(self._dbt):
            self._copy_named_in(query)
            return self._copies.execute(query).fetchall()

    def run(self, statement: str) -> None:
        """See `Warehouse.run`."""
        with _translated_errors(self._dbt):
            self._copies.execute(statement)

    def columns(self, relation: Relation) -> list[tuple[str, str]]:
        """See `Warehouse.columns`."""
        with _translated_errors(self._dbt):
            found = self._find(relation)
            if found is None:
                return []
            columns = self._adapter.get_columns_in_relation(found)
            self._end_transaction()
            names = [str(column.name) for column in columns]
            self._to_copy[self.dialect.place(relation)] = found, names
            return [(str(column.name), str(column.data_type)) for column in columns]

    def list_schemas(self, part: str) -> list[str]:
        """See `Warehouse.list_schemas`; warehouses that fold names have them in either case."""
        with _translated_errors(self._dbt):
            found = map(str, self._adapter.list_schemas(self._database or None))
            return sorted(name for name in found if part.lower() in name.lower())

    def drop_schema(self, schema: str) -> None:
        """See `Warehouse.drop_schema`."""
        with _translated_errors(self._dbt):
            self._adapter.drop_schema(self._schema(schema))
            self._listed.clear()

    def _schema(self, name: str) -> Any:
        whole = self._adapter.Relation.create(
            database=self._database or None, schema=name, identifier=""
        )
        return whole.without_identifier()

    def _find(self, relation: Relation) -> Any:
        """Return a relation as the adapter lists it, which is how the warehouse writes its name."""
        if relation.schema not in self._listed:
            self._listed[relation.schema] = self._list_relations(relation.schema)
        return _closest(relation.name, self._listed[relation.schema])

    def _list_relations(self, schema: str) -> dict[str, Any]:
        own = _closest(schema, {name: name for name in self.list_schemas("")})
        found = self._adapter.list_relations_without_caching(self._schema(own)) if own else ()
        return {str(each.identifier): each for each in found}

    def _copy_named_in(self, query: str) -> None:
        for place in [place for place in self._to_copy if place in query]:
            self._copy(*self._to_copy.pop(place), place)

    def _copy(self, relation: Any, columns: Sequence[str], place: str) -> None:
        names = ", ".join(map(self.dialect.quote_name, columns))
        self._copies.execute(f"drop table if exists {place}")
        self._copies.execute(f"create table {place} ({names})")
        insert = f"insert into {place} values ({', '.join('?' * len(columns))})"
        wanted = ", ".join(map(self._adapter.quote, columns))
        self._copies.execute("begin")
        for rows in self._fetch(f"select {wanted} from {relation}"):
            self._copies.executemany(insert, (list(map(as_text, row)) for row in rows))
        self._copies.execute("commit")
        self._end_transaction()

    def _end_transaction(self) -> None:
        """Hold no lock of a table that was read."""
        if self._adapter.connections.get_thread_connection().transaction_open:
            self._adapter.connections.commit()

    def _fetch(self, query: str) -> Iterator[Sequence[Row]]:
        connections = self._adapter.connections
        if not has_cursors(connections):
            yield list(self._adapter.execute(query, fetch=True)[1].rows)
            return
        cursor = connections.add_query(query, auto_begin=False)[1]
        with connections.exception_handler(query):
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                yield rows


def _closest(wanted: str, found: Mapping[str, Any]) -> Any:
    """Return what has this name, else the only one that differs in the case of its letters."""
    if wanted in found:
        return found[wanted]
    alike = [value for name, value in found.items() if name.lower() == wanted.lower()]
    return alike[0] if len(alike) == 1 else None


def as_text(value: Any) -> str | None:
    """Return a driver's value as text that differs where values of one type do; None stays None."""
    if value is None:
        return None
    if isinstance(value, str):
        return value if _is_unicode(value) else json.dumps(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"\\x{bytes(value).hex()}"
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, datetime.datetime):
        moment = value if value.tzinfo is None else value.astimezone(datetime.UTC)
        return moment.isoformat(" ")
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(_nested(value), sort_keys=True)
    return str(value)


def _nested(value: Any) -> Any:
    """Return a value inside another as JSON has it: a number stays one, and NULL is no text."""
    if isinstance(value, Mapping):
        return {str(key): _nested(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_nested(each) for each in value]
    return value if isinstance(value, int | float) else as_text(value)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
