"""The Prefect that keeps the runs launched from the command line, beside the product."""

from __future__ import annotations

import os
from pathlib import Path

from floe_core.state_folder import state_folder

# Prefect's own server counts who uses it, unless told not to.
_QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
}
_LEASE_STORAGES = "prefect.server.concurrency.lease_storage"
_EMBEDDED = {
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    # Where the next server finds what a killed run has left, and frees it once it has run out.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": f"{_LEASE_STORAGES}.filesystem",
    # A machine at work starts its server late.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}


def local_home(project_dir: Path) -> Path:
    """Return the folder to be PREFECT_HOME, made when missing.

    Raises:
        EnvironmentProblemError: It cannot be written.
    """
    home = state_folder(project_dir).absolute() / "prefect"
    (home / "launched").mkdir(parents=True, exist_ok=True)
    return home


def local_environment(home: Path) -> dict[str, str]:
    """Return the environment of a process whose Prefect is this one, whatever the user's is.

    Without an address of a server, Prefect starts one of its own for as long as the process lives.
    """
    others = {name: text for name, text in os.environ.items() if not name.startswith("PREFECT_")}
    return {**others, **_QUIET, **_EMBEDDED, "PREFECT_HOME": str(home)}
