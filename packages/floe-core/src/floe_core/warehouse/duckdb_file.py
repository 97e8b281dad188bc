"""Find the database file of a DuckDB profile."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

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
