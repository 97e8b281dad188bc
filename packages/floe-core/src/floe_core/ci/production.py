"""Where production's tables are read: the database itself, or a copy of a DuckDB file.

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
from floe_core.errors import EnvironmentProblemError, UsageError
from floe_core.parity.scratch import Scratch, in_scratch, refuse_secrets_in
from floe_core.warehouse.dialects import list_adapters
from floe_core.warehouse.duckdb_file import duckdb_file, rendered

# The name of this command in messages, and in the names of its schemas.
OWNER = "ci"
# Adapters with which a check's schemas can exist beside production and be read together with it.
ADAPTERS = ("duckdb", "postgres", "snowflake")
_ELSEWHERE = re.compile(r"^(:memory:|md:|motherduck:|[a-z0-9]+:|\w+://)")


class Production:
    """Production by the profile of BASE. `home` is what relative paths in that start from."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._home = home
        self._folder = folder
        self._adapter = ""
        self._copy: Path | None = None

    def of_base(self, profile: Profile) -> Profile:
        """Return the profile of BASE with what is read in the place of production.

        Raises:
            UsageError: The warehouse is of a kind that can't be checked.
            EnvironmentProblemError: The DuckDB file is not there, or in use.
        """
        if profile.adapter not in ADAPTERS:
            known = list_adapters(ADAPTERS)
            raise UsageError(
                f"changes are checked on {known}; this product is on {profile.adapter}"
            )
        if not self._adapter:
            self._adapter = profile.adapter
            self._copy = self._copied(profile)
        return self._led_to_copy(profile)

    def of_head(self, profile: Profile) -> Profile:
        """Return the profile of HEAD with the same.

        Raises:
            UsageError: HEAD is on another kind of warehouse.
        """
        if profile.adapter != self._adapter:
            raise UsageError(
                f"the base is on {self._adapter} and the head on {profile.adapter}: tables of two "
                "kinds of warehouses can't be compared"
            )
        return self._led_to_copy(profile)

    def in_scratch(self, profile: Profile, scratch: Scratch) -> Profile:
        """Return the profile of HEAD that builds in a schema of its own.

        Raises:
            UsageError: Runs would not use it, since the profile is not copied.
        """
        return in_scratch(self.of_head(profile), scratch)

    @property
    def is_copied(self) -> bool:
        """Whether the built relations are in the copy, and removed with it."""
        return self._copy is not None

    def _copied(self, profile: Profile) -> Path | None:
        if profile.adapter != "duckdb":
            return None
        file = duckdb_file(profile.output, self._home)
        if file is None:
            raise UsageError("a check needs a DuckDB file; this product's tables are in none")
        if not file.is_file():
            raise EnvironmentProblemError(
                f"{file}: there is no such file, and production's tables are expected in it; run "
                "the product first, or choose another target with DBT_TARGET"
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        return _copy(file, self._folder / file.name)

    def _led_to_copy(self, profile: Profile) -> Profile:
        if self._copy is None:
            return profile
        refuse_secrets_in(profile, OWNER)
        output = {**profile.output, "path": str(self._copy)}
        if attached := output.get("attach"):
            output["attach"] = [self._read_only(each) for each in attached]
        return replace(profile, output=output)

    def _read_only(self, attached: dict[str, Any]) -> dict[str, Any]:
        path = str(attached.get("path", ""))
        if not _ELSEWHERE.match(path):
            path = str(self._home / rendered(path, self._home))
        return {**attached, "path": path, "read_only": True}


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
