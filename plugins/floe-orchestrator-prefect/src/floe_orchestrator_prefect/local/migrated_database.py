"""The database of a local Prefect, migrated before its server starts."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from floe_core.plugin_api.launched_run.empty_database import EmptyDatabase
from floe_orchestrator_prefect.local.local_home import local_environment

DATABASE = "prefect.db"
UPGRADE = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]


def prepare_database(home: Path) -> None:
    """Create the database of a PREFECT_HOME, unless it exists.

    If that fails, Prefect's server creates it when it starts.
    """
    database = home / DATABASE
    if database.exists():
        return
    kept = EmptyDatabase(f"prefect-{version('prefect')}")
    if kept.copy_to(database):
        return
    with tempfile.TemporaryDirectory(dir=home, prefix="migrating-") as folder:
        environment = local_environment(Path(folder))
        done = subprocess.run(
            UPGRADE, cwd=folder, env=environment, capture_output=True, check=False
        )
        if done.returncode == 0:
            kept.keep(Path(folder) / DATABASE)
            kept.copy_to(database)
