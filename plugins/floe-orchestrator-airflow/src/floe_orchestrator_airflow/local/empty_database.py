"""An empty metadata database of each version of Airflow, kept so that it is migrated once.

`airflow db migrate` takes two seconds of CPU time, and every product has an Airflow of its own.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_cache_path


def copy_empty_database(database: Path) -> bool:
    """Copy the database that is kept of this version to a place; False if none is kept."""
    kept = _kept_copy()
    if not kept.is_file():
        return False
    try:
        _copy(kept, database)
    except (OSError, sqlite3.Error):
        return False
    return True


def keep_empty_database(database: Path) -> None:
    """Keep a copy of a database that was just migrated, and in which nothing has run yet."""
    with suppress(OSError, sqlite3.Error):
        kept = _kept_copy()
        kept.parent.mkdir(parents=True, exist_ok=True)
        _copy(database, kept)


def _kept_copy() -> Path:
    return user_cache_path("floe") / "airflow" / f"empty-{version('apache-airflow-core')}.db"


def _copy(source: Path, target: Path) -> None:
    """Copy a database as one that is whole, in place of what is there."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(descriptor)
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(name)) as new:
            old.backup(new)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
