"""A copy of production's DuckDB file.

A DuckDB file takes one writer at a time, so a check never opens production's own for writing: it
builds in a schema of its own in a copy.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from floe_core.compiler.profile import Profile
from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.warehouse.duckdb_file import duckdb_file, render

_ELSEWHERE = re.compile(r"^(:memory:|md:|motherduck:|[a-z0-9]+:|\w+://)")


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
        self._copy = _copy(file, folder / file.name)

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


def _copy(file: Path, to: Path) -> Path:
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
