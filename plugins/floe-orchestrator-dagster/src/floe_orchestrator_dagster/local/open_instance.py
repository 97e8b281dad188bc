"""The instance of runs that floe starts itself, opened by one process at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

if TYPE_CHECKING:
    from dagster import DagsterInstance


def open_instance(home: Path) -> DagsterInstance:
    """Return the instance in a folder; whoever opens it first makes its tables, alone.

    Dagster lets two processes make the tables of its runs at once, and one of them fails.
    """
    from dagster import DagsterInstance

    with FileLock(home / "opening.lock"):
        return DagsterInstance.from_config(str(home))
