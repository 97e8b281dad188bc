"""Where histories of reuse build beyond DuckDB and PostgreSQL, by each warehouse's own client.

A history runs in the environment of the adapter, so nothing else is imported here.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {{name: platform, version: 1.0.0}}
plugins:
  orchestrator: {{type: dagster}}
  compute: {{type: {adapter}, config: {{{settings}}}}}
"""
Rows = list[tuple[Any, ...]]


class SQLiteFiles:
    """A file in each folder. Its views are made of any text, and no `md5()` is there for snapshots."""

    drops_views = False
    rebuilds_views = True
    marks_rows = False
    checks_views = False
    special = ("incremental",)
    adapter = ""
    threads = 1
    headers = ()
    reads_files = False
    collations = ()
    session_settings: ClassVar[Mapping[str, tuple[Sequence[str], bool]]] = {}
    now = "current_timestamp > '2020-01-01'"

    def source_schema(self, folder: Path) -> str:
        return "main"

    def manifest(self, folder: Path) -> str:
        return MANIFEST.format(adapter="sqlite", settings=self._settings(folder))

    def profile(self, folder: Path) -> str:
        target = f"{{type: sqlite, {self._settings(folder)}}}"
        return f"shop: {{target: dev, outputs: {{dev: {target}}}}}\n"

    def _settings(self, folder: Path) -> str:
        paths = f"schemas_and_paths: {{main: {folder}/shop.sqlite}}, schema_directory: {folder}"
        return f"threads: 1, database: database, schema: main, {paths}"

    def kinds(self, folder: Path) -> dict[str, str]:
        return dict(self._query(folder, "select name, type from sqlite_master"))

    def execute(self, folder: Path, sql: str) -> None:
        self._query(folder, sql)

    def load(self, folder: Path, table: str, values: str) -> None:
        self.execute(folder, f"create table if not exists {table} (id int, c1 int, c2 int)")
        self.execute(folder, f"delete from {table}")
        self.execute(folder, f"insert into {table} values {values}")

    def contents(self, folder: Path, names: Iterable[str]) -> dict[str, Any]:
        return {name: self._content(folder, name) for name in names}

    def _content(self, folder: Path, name: str) -> Any:
        import sqlite3

        columns = f"select name, type from pragma_table_info('{name}') order by cid"
        try:
            rows = self._query(folder, f"select * from {name}")
            return self._query(folder, columns), sorted(rows, key=repr)
        except sqlite3.Error as error:
            return str(error)

    def _query(self, folder: Path, sql: str) -> Rows:
        import sqlite3

        with closing(sqlite3.connect(folder / "shop.sqlite", isolation_level=None)) as connection:
            return connection.execute(sql).fetchall()


class FakeSnowflakeSchemas:
    """A schema for each folder in a fakesnow that listens; it has no temporary tables."""

    drops_views = False
    rebuilds_views = True
    marks_rows = True
    checks_views = True
    special = ()
    adapter = ""
    threads = 1
    headers = ()
    reads_files = False
    collations = ()
    session_settings: ClassVar[Mapping[str, tuple[Sequence[str], bool]]] = {}
    now = "current_timestamp > '2020-01-01'::timestamp_tz"

    def __init__(self, port: int) -> None:
        self._port = port
        self._token = uuid.uuid4().hex[:8]

    def source_schema(self, folder: Path) -> str:
        return f"{folder.name}_{self._token}"

    def manifest(self, folder: Path) -> str:
        return MANIFEST.format(adapter="snowflake", settings=self._settings(folder))

    def profile(self, folder: Path) -> str:
        target = f"{{type: snowflake, {self._settings(folder)}}}"
        return f"shop: {{target: dev, outputs: {{dev: {target}}}}}\n"

    def _settings(self, folder: Path) -> str:
        password = "password: \"{{ env_var('FAKE_PASSWORD') }}\""
        where = f"account: fakesnow, host: localhost, port: {self._port}, protocol: http"
        schema = self.source_schema(folder)
        own = f"user: fake, database: db1, warehouse: wh, schema: {schema}, threads: 1"
        return f"{where}, {own}, {password}"

    def kinds(self, folder: Path) -> dict[str, str]:
        schema = self.source_schema(folder).upper()
        query = "select table_name, table_type from information_schema.tables"
        with self._cursor(folder) as cursor:
            cursor.execute(f"{query} where table_schema = '{schema}'")
            kinds = {name.lower(): kind for name, kind in cursor.fetchall()}
        return {name: "view" if "VIEW" in kind else "table" for name, kind in kinds.items()}

    def execute(self, folder: Path, sql: str) -> None:
        with self._cursor(folder) as cursor:
            cursor.execute(sql)

    def load(self, folder: Path, table: str, values: str) -> None:
        self.execute(folder, f"create or replace table {table} (id int, c1 int, c2 int)")
        self.execute(folder, f"insert into {table} values {values}")

    def contents(self, folder: Path, names: Iterable[str]) -> dict[str, Any]:
        with self._cursor(folder) as cursor:
            return {name: self._content(cursor, name) for name in names}

    def _content(self, cursor: Any, name: str) -> Any:
        from snowflake.connector.errors import Error

        try:
            cursor.execute(f"select * from {name}")
        except Error as error:
            return str(error).replace(self._token, "")
        columns = [(each.name, each.type_code) for each in cursor.description]
        return columns, sorted(cursor.fetchall(), key=repr)

    @contextmanager
    def _cursor(self, folder: Path) -> Iterator[Any]:
        import snowflake.connector

        server = {"account": "fakesnow", "host": "localhost", "port": self._port}
        who = {"protocol": "http", "user": "fake", "password": "snow"}
        place = {"database": "DB1", "schema": "PUBLIC"}
        with closing(snowflake.connector.connect(**server, **who, **place)) as connection:
            cursor = connection.cursor()
            cursor.execute(f"create schema if not exists {self.source_schema(folder)}")
            cursor.execute(f"use schema {self.source_schema(folder)}")
            yield cursor
