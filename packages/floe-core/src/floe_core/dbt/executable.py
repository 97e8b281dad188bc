"""Find the dbt that `execution.dbtExecutable` of floe.yaml names."""

from __future__ import annotations

import shutil
from pathlib import Path

from floe_core.foundation.errors import EnvironmentProblemError


def find_executable(executable: str, project_dir: Path) -> str:
    """Return the program's path: one on PATH, or relative to the product's folder.

    Raises:
        EnvironmentProblemError: The program does not exist.
    """
    found = shutil.which(executable) or shutil.which(project_dir / executable)
    if found is None:
        raise EnvironmentProblemError(
            f"dbt executable {executable}: there is no such program; `execution.dbtExecutable` of "
            "floe.yaml names it"
        )
    return str(found)
