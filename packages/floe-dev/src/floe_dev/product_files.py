"""The files that a product is compiled from."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from floe_core.compiler.copy_project import (
    LEFT_ANYWHERE,
    LEFT_AT_TOP,
    external_paths,
    is_written_by_tools,
    work_folders,
)
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import read_inputs
from floe_core.compiler.profile import HEADER
from floe_core.foundation.errors import FloeError
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE
from floe_core.user_yaml.dbt_yaml import read_dbt_document
from floe_core.warehouse.credentials import dbt_profiles_dir

DBT_PROJECT_FILE = "dbt_project.yml"

# What builds write beside the files of a project.
_WRITTEN_BY_RUNS = (
    *(".duckdb", ".wal", ".lock", ".db", ".sqlite", ".sqlite3", "-journal", "-wal", "-shm"),
    *(".parquet", ".pyc", ".tmp", ".log"),
)
_MARK = HEADER.encode()
_Stat = tuple[int, int, int, int]


class ProductFiles:
    """Reads a product's files; one that has not been touched since is not read again.

    `outside` are files and folders elsewhere that its compile reads. A file of more than `most`
    bytes is told by its times and size, and not read.
    """

    def __init__(self, folder: Path, most: float = math.inf) -> None:
        self.folder = folder
        self._most = most
        self.outside: tuple[Path, ...] = ()
        self._known: dict[Path, tuple[_Stat, bytes]] = {}

    def snapshot(self) -> Mapping[str, bytes]:
        """Return name -> hash of the content; names out of the folder are whole paths."""
        known = {path: self._read(path) for path in self._paths()}
        self._known = {path: found for path, found in known.items() if found is not None}
        return {self._name(path): hash_ for path, (_, hash_) in self._known.items() if hash_}

    def _paths(self) -> Iterator[Path]:
        yield from files_below(self.folder, is_top=True)
        for path in self.outside:
            if path.is_dir():
                yield from files_below(path, is_top=False)
            else:
                yield path

    def _name(self, path: Path) -> str:
        is_inside = path.is_relative_to(self.folder)
        return str(path.relative_to(self.folder) if is_inside else path)

    def _read(self, path: Path) -> tuple[_Stat, bytes] | None:
        """Return a file's state, and the hash of its content: b"" for one that floe generates."""
        try:
            at = path.stat()
            state = (at.st_mtime_ns, at.st_ctime_ns, at.st_size, at.st_ino)
            known = self._known.get(path)
            if known is not None and known[0] == state:
                return known
            if at.st_size > self._most:
                return state, repr(state).encode()
            content = path.read_bytes()
        except OSError:
            return None
        is_generated = content.startswith(_MARK)
        return state, b"" if is_generated else hashlib.sha256(content).digest()


def changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the names of the files that differ, sorted.

    >>> changes({"a": b"1", "b": b"1"}, {"a": b"1", "c": b"1"})
    ('b', 'c')
    """
    names = before.keys() | after.keys()
    return tuple(sorted(name for name in names if before.get(name) != after.get(name)))


def paths_outside(folder: Path) -> tuple[Path, ...]:
    """Return the files and folders that a product's compile reads out of the product's folder."""
    profiles = dbt_profiles_dir() / "profiles.yml"
    try:
        inputs = read_inputs(folder, Findings(lambda notice: None))
    except FloeError:
        return (profiles,)
    return (profiles, inputs.manifest_document.path, *(path for _, path in external_paths(inputs)))


def files_below(folder: Path, *, is_top: bool) -> Iterator[Path]:
    """Yield the files below a folder, through links, without those that runs and tools write.

    `is_top`: it is the folder of a product, in which floe, dbt and editors have folders.
    """
    seen: set[Path] = set()
    work = work_of_dbt(folder) if is_top else frozenset()
    for place, folders, files in os.walk(folder, followlinks=True):
        here = Path(place)
        real = here.resolve()
        if real in seen or here in work or is_written_by_tools(here):
            folders.clear()
            continue
        seen.add(real)
        left = left_in(is_top=is_top and here == folder)
        folders[:] = [name for name in folders if name not in left]
        yield from (here / name for name in sources_among(files, left))


def work_of_dbt(folder: Path) -> frozenset[Path]:
    """Return the folders that the dbt project of a product names for what dbt writes."""
    return work_folders(folder, read_dbt_project(folder) or {})


def left_in(*, is_top: bool) -> frozenset[str]:
    """Return the names of files and folders that are not a product's sources."""
    return LEFT_ANYWHERE | LEFT_AT_TOP | {ARTIFACTS_FILE} if is_top else LEFT_ANYWHERE


def sources_among(names: Iterable[str], left: frozenset[str]) -> Iterator[str]:
    """Yield the names of files that can be sources: editors' and runs' own are left out.

    >>> list(sources_among(["a.sql", ".a.sql.swp", "a.sql~", "shop.duckdb", "4913"], frozenset()))
    ['a.sql']
    """
    for name in names:
        is_of_editor = name.endswith(("~", ".swp", ".swx", ".swo")) or name == "4913"
        if not (is_of_editor or name in left or name.endswith(_WRITTEN_BY_RUNS)):
            yield name


def read_dbt_project(folder: Path) -> Mapping[str, Any] | None:
    """Return the keys of a product's dbt_project.yml, None if it can't be read."""
    try:
        at = (folder / DBT_PROJECT_FILE).stat()
        return _read_dbt_project(folder, at.st_mtime_ns, at.st_ctime_ns, at.st_size)
    except (FloeError, OSError):
        return None


@lru_cache(maxsize=32)
def _read_dbt_project(folder: Path, *state: int) -> Mapping[str, Any] | None:
    found = read_dbt_document(folder / DBT_PROJECT_FILE, DBT_PROJECT_FILE).data
    return found if isinstance(found, dict) else None
