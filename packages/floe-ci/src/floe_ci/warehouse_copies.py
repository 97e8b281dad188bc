"""Copies of the files of a warehouse, DuckDB or SQLite, in which a check builds.

A DuckDB file takes one writer at a time, so a check never opens production's own for writing: it
builds in a schema of its own in a copy. A view of SQLite reads only its own file, so one can't be
built in a file beside production's: a check builds in a second copy of all files, under
production's names.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from floe_core.compiler.inputs import render_environment
from floe_core.compiler.profile import Profile
from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.warehouse.dialect import Relation, literal, quote_name
from floe_core.warehouse.duckdb_file import duckdb_file, render

_ELSEWHERE = re.compile(r"^(:memory:|md:|motherduck:|[a-z0-9]+:|\w+://)")

# dbt-sqlite attaches each file with this suffix in `schema_directory`, and makes new ones there.
_SUFFIX = ".db"
_MAIN = "main"


class SQLiteCopies:
    """Copies in `folder`; relative paths of profiles start from `home`."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._home = home
        self._named, self._found = folder / "named", folder / "found"
        self._known: set[str] = set()

    @classmethod
    def of(cls, profile: Profile, home: Path, folder: Path) -> SQLiteCopies:
        """Return copies of the files that a profile attaches.

        Raises:
            EnvironmentProblemError: The file of the target's schema is not there, or in use.
        """
        copies = cls(home, folder)
        named, directory = copies._files(profile), copies._directory(profile)
        schema = render_environment(str(profile.output.get("schema")))
        require_file(named.get(schema, directory / f"{schema}{_SUFFIX}"))
        copies._found.mkdir(parents=True)
        for file in set(directory.glob(f"*{_SUFFIX}")) - {*named.values()}:
            _copy(file, copies._found / file.name)
        copies.lead(profile)
        return copies

    def again(self, folder: Path) -> SQLiteCopies:
        """Return copies of the copies, in another folder."""
        copies = SQLiteCopies(self._home, folder)
        shutil.copytree(self._named, copies._named)
        shutil.copytree(self._found, copies._found)
        copies._known = {*self._known}
        return copies

    def lead(self, profile: Profile) -> Profile:
        """Return the profile with copies in place of the files; those not yet copied are copied.

        Raises:
            EnvironmentProblemError: A file is in use.
        """
        self._named.mkdir(parents=True, exist_ok=True)
        files = self._files(profile)
        for name in files.keys() - self._known:
            if files[name].is_file():
                _copy(files[name], self._copy_of(name))
            self._known.add(name)
        output = {
            **profile.output,
            "schemas_and_paths": {name: str(self._copy_of(name)) for name in files},
            "schema_directory": str(self._found),
        }
        if extensions := output.get("extensions"):
            output["extensions"] = [self._extension(str(each)) for each in extensions]
        return replace(profile, output=output)

    def drop(self, relations: Iterable[Relation]) -> None:
        """Drop tables and views that are in the copies."""
        for relation in relations:
            file = self._copy_of(relation.schema)
            file = file if file.is_file() else self._found / f"{relation.schema}{_SUFFIX}"
            if file.is_file():
                _drop(file, relation)

    def _copy_of(self, name: str) -> Path:
        return self._named / f"{name}.sqlite"

    def _files(self, profile: Profile) -> dict[str, Path]:
        paths = dict(profile.output.get("schemas_and_paths") or {})
        return {name: self._path(str(path)) for name, path in paths.items()}

    def _directory(self, profile: Profile) -> Path:
        return self._path(str(profile.output.get("schema_directory")))

    def _path(self, text: str) -> Path:
        return (self._home / render(text, self._home)).resolve()

    def _extension(self, name: str) -> str:
        """Return an extension for another folder; a name without a folder is the system's."""
        return str(self._path(name)) if os.sep in name else name


def _copy(file: Path, to: Path) -> None:
    """Copy a file in one transaction, with what is only in its log."""
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(to)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as error:
        raise EnvironmentProblemError(f"{file}: cannot be read: {error}") from error


def _drop(file: Path, relation: Relation) -> None:
    """Drop a relation; its file is attached by its schema's name, which is in the SQL of views."""
    is_main = relation.schema == _MAIN
    schema = quote_name(relation.schema)
    with closing(sqlite3.connect(file if is_main else ":memory:")) as database, database:
        if not is_main:
            database.execute(f"attach {literal(str(file))} as {schema}")
        query = f"select type, name from {schema}.sqlite_master where lower(name) = lower(?)"
        for kind, name in database.execute(query, [relation.name]).fetchall():
            if kind in ("table", "view"):
                database.execute(f"drop {kind} {schema}.{quote_name(name)}")


class DuckDBCopy:
    """A copy in `folder` of the file of a profile, whose relative paths start from `home`.

    Raises:
        UsageError: The product's tables are in no file.
        EnvironmentProblemError: The file is not there, or in use.
    """

    def __init__(self, profile: Profile, home: Path, folder: Path) -> None:
        self._home = home
        file = duckdb_file(profile.output, home)
        if file is None:
            raise UsageError("a check needs a DuckDB file; this product's tables are in none")
        require_file(file)
        folder.mkdir(parents=True, exist_ok=True)
        self._copy = _copy_duckdb(file, folder / file.name)

    def lead(self, profile: Profile) -> Profile:
        """Return the profile with the copy in place of the file."""
        output = {**profile.output, "path": str(self._copy)}
        if attached := output.get("attach"):
            output["attach"] = [self._read_only(each) for each in attached]
        return replace(profile, output=output)

    def _read_only(self, attached: dict[str, Any]) -> dict[str, Any]:
        path = str(attached.get("path", ""))
        if not _ELSEWHERE.match(path):
            path = str(self._home / render(path, self._home))
        return {**attached, "path": path, "read_only": True}


def require_file(file: Path) -> None:
    """Raise if production's file is not there.

    Raises:
        EnvironmentProblemError: It is so.
    """
    if not file.is_file():
        raise EnvironmentProblemError(
            f"{file}: there is no such file, and production's tables are expected in it; run "
            "the product first, or choose another target with DBT_TARGET"
        )


def _copy_duckdb(file: Path, to: Path) -> Path:
    """Copy a DuckDB file with its log, while nobody can write to it."""
    from duckdb import Error, connect

    try:
        with connect(str(file), read_only=True):
            for suffix in ("", ".wal"):
                source = Path(f"{file}{suffix}")
                if source.is_file():
                    shutil.copyfile(source, f"{to}{suffix}")
    except Error as error:
        raise EnvironmentProblemError(f"{file}: cannot be read: {error}") from error
    return to
