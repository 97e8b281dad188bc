"""Open the instance for runs that floe starts itself, one process at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

if TYPE_CHECKING:
    from dagster import DagsterInstance

LOCK = "opening.lock"


def open_instance(home: Path) -> DagsterInstance:
    """Return the instance in a folder, opened under a lock, as the first to open it creates tables.

    If two processes create Dagster's run tables at once, one of them fails.
    """
    from dagster import DagsterInstance

    with FileLock(home / LOCK):
        return DagsterInstance.from_config(str(home))
