"""DuckDB profiles that say nothing but which file: they are read without dbt.

To import what dbt reads a profile with takes a second, and a run that reuses every node needs dbt
for nothing else.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from floe_core.schemas.policies import DbtProject
from floe_core.warehouse.duckdb_file import PROJECT_DIR_VARIABLE, env_vars, render

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
