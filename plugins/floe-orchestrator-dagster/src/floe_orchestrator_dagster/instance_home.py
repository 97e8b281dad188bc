"""The Dagster instance that keeps the runs launched from the command line, beside the product."""

from __future__ import annotations

from pathlib import Path

from floe_core.atomic_files import write_together
from floe_core.state_folder import state_folder

_DAGSTER_YAML = """\
# Where `floe run` keeps its runs. Yours to change; floe writes it only when it is missing.
telemetry:
  enabled: false
nux:
  enabled: false
"""


def instance_home(project_dir: Path) -> Path:
    """Return the folder to be DAGSTER_HOME, made with its dagster.yaml when missing.

    Raises:
        EnvironmentProblemError: It cannot be written.
    """
    home = state_folder(project_dir).absolute() / "dagster"
    (home / "launched").mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    if not settings.exists():
        write_together(home, {settings.name: _DAGSTER_YAML.encode()})
    return home
