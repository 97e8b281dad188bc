"""Where histories of reuse build: a place for floe and one for plain dbt, side by side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import duckdb
import psycopg2
from own_database import SERVER, compute, own_database

SCHEMA = "main"
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {{name: platform, version: 1.0.0}}
plugins:
  orchestrator: {{type: dagster}}
  compute: {{{compute}}}
"""
Rows = list[tuple[Any, ...]]


class Warehouse(Protocol):
    """What a history asks of a warehouse, of the place of one folder each time.

    `drops_views` is whether a relation takes the views of it with it when it is dropped,
    `marks_rows` whether it tells itself that a source was written to.
    """

    drops_views: bool
    marks_rows: bool

    def manifest(self, folder: Path) -> str:
        """Return manifest.yaml for a folder."""

    def profile(self, folder: Path) -> str:
        """Return profiles.yml for plain dbt in a folder."""

    def query(self, folder: Path, sql: str) -> Rows:
        """Return rows."""

    def execute(self, folder: Path, sql: str) -> None:
        """Change something."""

    def load(self, folder: Path, table: str, values: str) -> None:
        """Let a source have these rows of id, c1 and c2, and no others."""

    def contents(self, folder: Path, name: str) -> Any:
        """Return the columns, with their types, and the rows of a relation, or the error."""


class DuckDbFiles:
    """A file in each folder."""

    drops_views = False
    marks_rows = False

    def manifest(self, folder: Path) -> str:
        return MANIFEST.format(compute="type: duckdb")

    def profile(self, folder: Path) -> str:
        target = "{type: duckdb, path: shop.duckdb, threads: 1}"
        return f"shop: {{target: dev, outputs: {{dev: {target}}}}}\n"

    def query(self, folder: Path, sql: str) -> Rows:
        with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def execute(self, folder: Path, sql: str) -> None:
        with duckdb.connect(str(folder / "shop.duckdb")) as connection:
            connection.execute(sql)

    def load(self, folder: Path, table: str, values: str) -> None:
        rows = f"select * from (values {values}) t(id, c1, c2)"
        self.execute(folder, f"create or replace table {table} as {rows}")

    def contents(self, folder: Path, name: str) -> Any:
        try:
            types = self.query(folder, f"select column_name, column_type from (describe {name})")
            return types, self.query(folder, f"select * from {name} order by all")
        except duckdb.Error as error:
            return str(error)


class PostgresDatabases:
    """A database for each folder, by the folder's name."""

    drops_views = True
    marks_rows = True

    def __init__(self, databases: dict[str, str]) -> None:
        self._databases = databases

    def manifest(self, folder: Path) -> str:
        settings = compute(self._databases[folder.name], SCHEMA, "threads: 1")
        return MANIFEST.format(compute=settings)

    def profile(self, folder: Path) -> str:
        place = ", ".join(f"{key}: {SERVER[key]}" for key in ("host", "port", "user", "password"))
        database = self._databases[folder.name]
        target = f"{{type: postgres, {place}, dbname: {database}, schema: {SCHEMA}, threads: 1}}"
        return f"shop: {{target: dev, outputs: {{dev: {target}}}}}\n"

    def query(self, folder: Path, sql: str) -> Rows:
        with self._cursor(folder) as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def execute(self, folder: Path, sql: str) -> None:
        with self._cursor(folder) as cursor:
            cursor.execute(f"{sql} cascade" if sql.startswith("drop ") else sql)

    def load(self, folder: Path, table: str, values: str) -> None:
        self.execute(
            folder,
            f"create table if not exists {table} (id int, c1 int, c2 int);"
            f"truncate {table}; insert into {table} values {values}",
        )

    def contents(self, folder: Path, name: str) -> Any:
        columns = (
            "select column_name, data_type from information_schema.columns where table_schema = "
            f"'{SCHEMA}' and table_name = '{name}' order by ordinal_position"
        )
        try:
            rows = self.query(folder, f"select * from {name}")
        except psycopg2.Error as error:
            return str(error)
        return self.query(folder, columns), sorted(rows, key=repr)

    @contextmanager
    def _cursor(self, folder: Path) -> Iterator[Any]:
        database = self._databases[folder.name]
        options = f"-c search_path={SCHEMA}"
        connection = psycopg2.connect(**SERVER, dbname=database, options=options)
        with closing(connection):
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"create schema if not exists {SCHEMA}")
                yield cursor


@contextmanager
def warehouse_of(kind: str) -> Iterator[Warehouse]:
    """Give a warehouse by its kind, for the folders `ours` and `plain`."""
    if kind == "duckdb":
        yield DuckDbFiles()
        return
    # Killed builds, which are processes of their own, find it there.
    os.environ["FLOE_TEST_PASSWORD"] = SERVER["password"]
    with ExitStack() as stack:
        names = {name: stack.enter_context(own_database()) for name in ("ours", "plain")}
        yield PostgresDatabases(names)
