"""`dagster dev` once the instance has its tables: run as a module, with its arguments.

Its processes all open the instance in DAGSTER_HOME at once, and as many create missing tables.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from filelock import FileLock

from floe_orchestrator_dagster.local.open_instance import LOCK, open_instance

_LAST_CREATED = "schedules/schedules.db"


def main() -> None:
    """Become `dagster dev`."""
    home = Path(os.environ["DAGSTER_HOME"])
    with FileLock(home / LOCK):
        has_tables = (home / _LAST_CREATED).exists()
    if not has_tables:
        with open_instance(home):
            pass
    os.execv(sys.executable, [sys.executable, "-m", "dagster", "dev", *sys.argv[1:]])


if __name__ == "__main__":
    main()
