"""Where histories of reuse build: a place for floe and one for plain dbt, side by side."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Protocol

from history_warehouses_elsewhere import FakeSnowflakeSchemas, SQLiteFiles

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
SPECIAL = ("snapshot", "incremental")
NOW = "now() > timestamptz '2020-01-01'"
FAILURES = f"select * from {SCHEMA}_dbt_test__audit.{{}}"
STANDING = "select table_name, table_type from information_schema.tables where table_schema = "
# Where DuckDB keeps them below its directory of extensions.
_EXTENSIONS = (
    "select format('extensions/{}/{}/{}.duckdb_extension', library_version, platform, name) "
    "from pragma_version(), pragma_platform(), (values ('json'), ('icu')) t(name)"
)


class Warehouse(Protocol):
    """What a history asks of a warehouse, of the place of one folder each time.

    `drops_views` is whether a relation takes the views of it with it when it is dropped,
    `rebuilds_views` whether floe builds them when it is built, `marks_rows` whether it tells itself
    that a source was written to, `checks_views` whether it refuses a view that can't be read.
    `has_one_writer` is whether builds wait for each other. `threads` is how many dbt has under floe, and `headers` are SQL headers that may change rows. `adapter` is dbt's, "" if histories don't vary there what surrounds the SQL. `special` are the
    materializations beside views and tables that work there, `now` is a condition that asks for the
    time, and `reads_files` is whether a query can read a file of the product. `session_settings` is
    name -> its values, and whether results may depend on it.
    """

    drops_views: bool
    rebuilds_views: bool
    marks_rows: bool
    checks_views: bool
    has_one_writer: bool
    special: tuple[str, ...]
    now: str
    adapter: str
    threads: int
    headers: tuple[str, ...]
    reads_files: bool
    collations: tuple[str, ...]
    session_settings: Mapping[str, tuple[Sequence[str], bool]]

    def define(self, folder: Path, name: str, added: int) -> None:
        """Define a function of this name that adds a number to its argument."""

    def define_type(self, folder: Path, is_ascending: bool) -> None:
        """Define the type `own_kind` with the values a and b, in this order or the other one."""

    def set(self, folder: Path, name: str, value: str) -> None:
        """Let dbt's sessions begin with a setting."""

    def toggle_extension(self, folder: Path) -> str:
        """Install an extension or remove it; return what results may depend on."""

    def source_schema(self, folder: Path) -> str:
        """Return the schema of sources."""

    def manifest(self, folder: Path) -> str:
        """Return manifest.yaml for a folder."""

    def profile(self, folder: Path) -> str:
        """Return profiles.yml for plain dbt in a folder."""

    def kinds(self, folder: Path) -> dict[str, str]:
        """Return name -> `table` or `view` of what is there."""

    def execute(self, folder: Path, sql: str) -> None:
        """Change something."""

    def load(self, folder: Path, table: str, values: str) -> None:
        """Let a source have these rows of id, c1 and c2, and no others."""

    def failures(self, folder: Path, test: str) -> Rows:
        """Return the rows that a test stored."""

    def contents(self, folder: Path, names: Iterable[str]) -> dict[str, Any]:
        """Return the columns, with their types, and the rows of relations, or the error of each."""


class DuckDbFiles:
    """A file in each folder."""

    drops_views = rebuilds_views = False
    marks_rows = False
    checks_views = has_one_writer = True
    special = SPECIAL
    now = NOW
    threads = 1
    adapter = "duckdb"
    headers = ()  # A setting would last for all of dbt's session.
    reads_files = True
    collations = ("-", "collate nocase")
    session_settings: ClassVar[dict[str, tuple[Sequence[str], bool]]] = {
        "integer_division": (["true", "false"], True),
        "TimeZone": (["UTC", "Asia/Tokyo", "America/New_York"], True),
        "default_null_order": (["nulls_first", "nulls_last"], True),
        "memory_limit": (["2GB", "3GB"], False),
    }

    def __init__(self) -> None:
        self._settings: dict[str, str] = {}
        self._extensions: dict[Path, bool] = {}

    def define_type(self, folder: Path, is_ascending: bool) -> None:
        values = "'a', 'b'" if is_ascending else "'b', 'a'"
        self.execute(folder, "drop type if exists own_kind")
        self.execute(folder, f"create type own_kind as enum ({values})")

    def set(self, folder: Path, name: str, value: str) -> None:
        self._settings[name] = value

    def toggle_extension(self, folder: Path) -> str:
        self._extensions[folder] = not self._extensions.get(folder, False)
        for (place,) in self.query(folder, _EXTENSIONS):
            file = folder / place  # DuckDB downloads what has none, even what it has built in.
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        return ""  # They are part of DuckDB, and so are there in any case.

    def _config(self, folder: Path) -> str:
        settings = f"settings: {json.dumps(self._settings)}"
        if not self._extensions.get(folder):
            return settings
        options = {"extension_directory": str(folder / "extensions")}
        return f"{settings}, extensions: [json, icu], config_options: {json.dumps(options)}"

    def define(self, folder: Path, name: str, added: int) -> None:
        self.execute(folder, f"create or replace macro {name}(x) as x + {added}")

    def source_schema(self, folder: Path) -> str:
        return SCHEMA

    def manifest(self, folder: Path) -> str:
        config = f"threads: {self.threads}, {self._config(folder)}"
        return MANIFEST.format(compute=f"type: duckdb, config: {{{config}}}")

    def profile(self, folder: Path) -> str:
        target = f"{{type: duckdb, path: shop.duckdb, threads: 1, {self._config(folder)}}}"
        return f"shop: {{target: dev, outputs: {{dev: {target}}}}}\n"

    def kinds(self, folder: Path) -> dict[str, str]:
        return _kinds(self.query(folder, f"{STANDING}'{SCHEMA}'"))

    def query(self, folder: Path, sql: str) -> Rows:
        import duckdb

        with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def execute(self, folder: Path, sql: str) -> None:
        import duckdb

        with duckdb.connect(str(folder / "shop.duckdb")) as connection:
            connection.execute(sql)

    def load(self, folder: Path, table: str, values: str) -> None:
        rows = f"select * from (values {values}) t(id, c1, c2)"
        self.execute(folder, f"create or replace table {table} as {rows}")

    def failures(self, folder: Path, test: str) -> Rows:
        return sorted(self.query(folder, FAILURES.format(test)), key=repr)

    def contents(self, folder: Path, names: Iterable[str]) -> dict[str, Any]:
        import duckdb

        with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
            return {name: self._content(connection, name) for name in names}

    def _content(self, connection: Any, name: str) -> Any:
        import duckdb

        columns = (
            "select column_name, data_type, comment from duckdb_columns() "
            f"where table_name = '{name}' order by column_index"
        )
        told = (
            f"select comment, regexp_extract_all(sql, 'COLLATE \\w+') from duckdb_tables() "
            f"where table_name = '{name}' union all "
            f"select comment, [] from duckdb_views() where view_name = '{name}'"
        )
        try:
            connection.execute(f"describe {name}")  # It binds the view's columns.
            types = connection.execute(columns).fetchall(), connection.execute(told).fetchall()
            return types, connection.execute(f"select * from {name} order by all").fetchall()
        except duckdb.Error as error:
            return str(error)


class PostgresDatabases:
    """A database for each folder, by the folder's name."""

    drops_views = rebuilds_views = True
    marks_rows = True
    checks_views = True
    has_one_writer = False
    special = SPECIAL
    now = NOW
    threads = 1
    adapter = "postgres"
    headers = tuple(f"set local timezone = '{z}';" for z in ("Asia/Tokyo", "America/New_York"))
    reads_files = False
    collations = ("-", 'collate "C"', 'collate "und-x-icu"')
    session_settings: ClassVar[dict[str, tuple[Sequence[str], bool]]] = {
        "TimeZone": (["UTC", "Asia/Tokyo", "America/New_York"], True),
        "DateStyle": (["ISO", "German"], True),
        "work_mem": (["4MB", "8MB"], False),
    }

    def define_type(self, folder: Path, is_ascending: bool) -> None:
        values = "'a', 'b'" if is_ascending else "'b', 'a'"
        self.execute(folder, "drop type if exists public.own_kind")
        self.execute(folder, f"create type public.own_kind as enum ({values})")

    def set(self, folder: Path, name: str, value: str) -> None:
        database = self._databases[folder.name]
        self.execute(folder, f"alter database {database} set \"{name}\" to '{value}'")

    def toggle_extension(self, folder: Path) -> str:
        found = self.query(folder, "select 1 from pg_extension where extname = 'fuzzystrmatch'")
        what = "drop" if found else "create"
        self.execute(folder, f"{what} extension fuzzystrmatch")
        return what

    def define(self, folder: Path, name: str, added: int) -> None:
        head = f"create or replace function public.{name}(x numeric) returns numeric"
        self.execute(folder, f"{head} language sql immutable as $$ select x + {added} $$")

    def __init__(self, databases: dict[str, str]) -> None:
        self._databases = databases

    def source_schema(self, folder: Path) -> str:
        return SCHEMA

    def manifest(self, folder: Path) -> str:
        from own_database import compute

        settings = compute(self._databases[folder.name], SCHEMA, f"threads: {self.threads}")
        return MANIFEST.format(compute=settings)

    def profile(self, folder: Path) -> str:
        from own_database import SERVER

        place = ", ".join(f"{key}: {SERVER[key]}" for key in ("host", "port", "user", "password"))
        database = self._databases[folder.name]
        target = f"{{type: postgres, {place}, dbname: {database}, schema: {SCHEMA}, threads: 1}}"
        return f"shop: {{target: dev, outputs: {{dev: {target}}}}}\n"

    def kinds(self, folder: Path) -> dict[str, str]:
        return _kinds(self.query(folder, f"{STANDING}'{SCHEMA}'"))

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

    def failures(self, folder: Path, test: str) -> Rows:
        return sorted(self.query(folder, FAILURES.format(test)), key=repr)

    def contents(self, folder: Path, names: Iterable[str]) -> dict[str, Any]:
        with self._cursor(folder) as cursor:
            return {name: self._content(cursor, name) for name in names}

    def _content(self, cursor: Any, name: str) -> Any:
        import psycopg2

        columns = (
            "select attname, format_type(atttypid, atttypmod), attcollation::regcollation::text, "
            "col_description(attrelid, attnum), obj_description(attrelid) from pg_attribute "
            f"where attrelid = to_regclass('{SCHEMA}.{name}') and attnum > 0 "
            "and not attisdropped order by attnum"
        )
        try:
            cursor.execute(f"select * from {name}")
            rows = cursor.fetchall()
        except psycopg2.Error as error:
            return str(error)
        cursor.execute(columns)
        return cursor.fetchall(), sorted(rows, key=repr)

    @contextmanager
    def _cursor(self, folder: Path) -> Iterator[Any]:
        import psycopg2
        from own_database import SERVER

        database = self._databases[folder.name]
        options = f"-c search_path={SCHEMA}"
        connection = psycopg2.connect(**SERVER, dbname=database, options=options)
        with closing(connection):
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"create schema if not exists {SCHEMA}")
                yield cursor


def _kinds(standing: Rows) -> dict[str, str]:
    return {name: "view" if kind == "VIEW" else "table" for name, kind in standing}


@contextmanager
def warehouse_of(kind: str) -> Iterator[Warehouse]:
    """Give a warehouse by its kind, for the folders `ours` and `plain`.

    The kind of a fakesnow has the port that it listens at: `snowflake:18999`.
    """
    if kind == "duckdb":
        yield DuckDbFiles()
        return
    if kind == "sqlite":
        yield SQLiteFiles()
        return
    if kind.startswith("snowflake:"):
        yield FakeSnowflakeSchemas(int(kind.partition(":")[2]))
        return
    from own_database import SERVER, own_database

    # Killed builds, which are processes of their own, find it there.
    os.environ["FLOE_TEST_PASSWORD"] = SERVER["password"]
    with ExitStack() as stack:
        names = {name: stack.enter_context(own_database()) for name in ("ours", "plain")}
        yield PostgresDatabases(names)
