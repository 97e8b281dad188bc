"""Keep an orchestrator's empty, migrated database, so that each version is migrated only once.

A migration takes seconds, and every product has a local orchestrator of its own.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from platformdirs import user_cache_path


class EmptyDatabase:
    """An empty SQLite database; `name` is the orchestrator with its version: `prefect-3.7.7`."""

    def __init__(self, name: str) -> None:
        self._kept = user_cache_path("floe") / "databases" / f"{name}.db"

    def copy_to(self, database: Path) -> bool:
        """Copy the kept database to this path; return False if that is not possible.

        An existing database, even one just created by another process, is left unchanged.
        """
        if not self._kept.is_file():
            return False
        try:
            _copy(self._kept, database, os.link)
        except FileExistsError:
            return True
        except (OSError, sqlite3.Error):
            return False
        return True

    def keep(self, database: Path) -> None:
        """Keep a copy of a database that was just migrated and in which nothing has run yet."""
        with suppress(OSError, sqlite3.Error):
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            _copy(database, self._kept, os.replace)


def _copy(source: Path, target: Path, put: Callable[[str, Path], object]) -> None:
    """Copy a database, and put the copy in place once it is complete."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(descriptor)
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(name)) as new:
            old.backup(new)
        put(name, target)
    finally:
        Path(name).unlink(missing_ok=True)
