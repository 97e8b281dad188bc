"""DuckDB profiles: their database file, and those that are read without dbt.

To import what dbt reads a profile with takes a second, and a run that reuses every node needs dbt
for nothing else.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from floe_core.schemas.policies import DbtProject


PROJECT_DIR_VARIABLE = "FLOE_PROJECT_DIR"
_ENV_VAR = re.compile(
    r"""\{\{\s*env_var\(\s*['"]([^'"]+)['"]\s*(?:,\s*['"]([^'"]*)['"]\s*)?\)\s*\}\}"""
)


def duckdb_file(profile: dict[str, Any], project_dir: Path) -> Path | None:
    """Return the file that a DuckDB profile writes to; None for any other warehouse."""
    location = str(profile.get("path", ":memory:"))
    if profile.get("type") != "duckdb" or location.startswith((":memory:", "md:", "motherduck:")):
        return None
    return project_dir / Path(render(location, project_dir)).expanduser()


def render(text: str, project_dir: Path) -> str:
    """Return a path of a profile with its `env_var()` calls filled in."""
    values = {**os.environ, PROJECT_DIR_VARIABLE: str(project_dir)}
    return _ENV_VAR.sub(lambda match: values.get(match[1], match[2] or ""), text)


def env_vars(text: str) -> set[str]:
    """Return the variables that a path of a profile names in `env_var()` without a default."""
    return {found[1] for found in _ENV_VAR.finditer(text) if found[2] is None}


_PLAIN = {"type", "path", "schema", "threads"}
# An absolute path that is no URL and no Jinja, and whose last part has one dot, which ends the name
# of the database.
_PATH = re.compile(r"/(?:[^/:?#;%{}]+/)*(?P<database>[^/.:?#;%{}]+)\.[^/.:?#;%{}]+")


class PlainFile(NamedTuple):
    """The path and the database of a profile, as dbt-duckdb has them."""

    path: str
    database: str

    @property
    def place(self) -> str:
        """Return what `place_of` returns for the profile: 'external_root' is the folder "."."""
        return f"duckdb {self.path}./{self.database}"


def plain_file(dbt: DbtProject, project_dir: Path) -> PlainFile | None:
    """Return the file of a plain DuckDB profile; None for one that only dbt-duckdb can read."""
    profile = dbt.profile
    if profile.get("type") != "duckdb" or not dbt.profiles_dir or not set(profile) <= _PLAIN:
        return None
    path = _rendered(profile.get("path"), project_dir)
    found = _PATH.fullmatch(path)
    return PlainFile(path, found["database"]) if found else None


def _rendered(path: Any, project_dir: Path) -> str:
    """Return the path; "" if dbt would refuse it, since a variable is not set."""
    if not isinstance(path, str):
        return ""
    unset = env_vars(path) - {*os.environ, PROJECT_DIR_VARIABLE}
    return "" if unset else render(path, project_dir)
