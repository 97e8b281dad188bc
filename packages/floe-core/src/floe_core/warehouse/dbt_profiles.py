"""Find the profiles.yml of a run."""

from __future__ import annotations

import os
from pathlib import Path

from floe_core.schemas.policies import DbtProject


def profiles_dir(dbt: DbtProject, project_dir: Path) -> Path:
    """Return the folder with the profiles.yml of a compiled product."""
    return project_dir / dbt.profiles_dir if dbt.profiles_dir else dbt_profiles_dir()


def dbt_profiles_dir() -> Path:
    """Return the folder where dbt looks for profiles.yml, other than the project's folder."""
    named = os.environ.get("DBT_PROFILES_DIR")
    return Path(named).expanduser() if named else Path.home() / ".dbt"
