"""The Prefect that records runs of `floe run`: its folder, settings and database."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from floe_core.storage.state_folder import state_folder

DATABASE = "prefect.db"
UPGRADE = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]

# Prefect's server sends usage statistics unless that is switched off.
_QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
}
_LEASE_STORAGES = "prefect.server.concurrency.lease_storage"
_EMBEDDED = {
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    # Stored on disk, so that the next server finds leases of a killed run and frees them on expiry.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": f"{_LEASE_STORAGES}.filesystem",
    # A busy machine starts its server late.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}


def local_home(project_dir: Path) -> Path:
    """Return the folder to use as PREFECT_HOME, created if missing.

    Raises:
        EnvironmentProblemError: The folder cannot be written.
    """
    home = state_folder(project_dir).absolute() / "prefect"
    (home / "launched").mkdir(parents=True, exist_ok=True)
    return home


def local_environment(home: Path) -> dict[str, str]:
    """Return the environment of a process that uses this Prefect, whatever the user's settings.

    Without a server address, Prefect starts a server of its own for the life of the process.
    """
    others = {name: text for name, text in os.environ.items() if not name.startswith("PREFECT_")}
    return {**others, **_QUIET, **_EMBEDDED, "PREFECT_HOME": str(home)}


def prepare_database(home: Path) -> None:
    """Create the database of a PREFECT_HOME, unless it exists.

    If that fails, Prefect's server creates it when it starts.
    """
    from floe_core.plugin_api.launched_run.empty_database import EmptyDatabase

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
