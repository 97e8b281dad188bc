"""The folder and settings, beside the product, of the Prefect that records runs of `floe run`."""

from __future__ import annotations

import os
from pathlib import Path

from floe_core.storage.state_folder import state_folder

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
