"""Allow only one build at a time in a single-writer warehouse, across processes."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from floe_core.execution.turns import take_turn
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.warehouse.duckdb_file import duckdb_file, render

# A Derby server has `jdbc:derby://`, a database in memory `jdbc:derby:memory:`.
_DERBY = re.compile(
    r"jdbc:derby:(?!//|memory:)(?:directory:)?(?P<name>[^;]*)"
    r"(?:;(?:databaseName=(?P<attribute>[^;]*)|[^;]*))*"
)


class WarehouseHold:
    """A build's hold on its warehouse, until the build has ended and nothing in it still writes."""

    def __init__(self, lock: FileLock | None = None) -> None:
        self._lock = lock
        self._wait: Callable[[], object] | None = None

    def keep_until(self, wait: Callable[[], object]) -> None:
        """Hold the warehouse until `wait` returns, even if the build ends before."""
        self._wait = wait

    def release(self) -> None:
        """Release the warehouse, in the background if something still writes to it."""
        if self._lock is not None and self._wait is None:
            self._lock.release()
        elif self._lock is not None:
            threading.Thread(
                target=_release_after, args=(self._wait, self._lock), daemon=True
            ).start()


def _release_after(wait: Callable[[], object], lock: FileLock) -> None:
    wait()
    lock.release()


@contextmanager
def sole_writer(
    profile: dict[str, Any], project_dir: Path, timeout: float, tick: datetime | None = None
) -> Iterator[WarehouseHold]:
    """Hold the warehouse for this build; at once if the warehouse allows several writers.

    Waits up to `timeout` seconds for another build that holds it, and for builds of earlier ticks
    that wait. The lock ends with the process that holds it, however that ends.

    Raises:
        EnvironmentProblemError: Another build still holds it after that time.
    """
    path = file_of_one_writer(profile, project_dir)
    if path is None:
        yield WarehouseHold()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # A different thread may release it.
    lock = FileLock(f"{path}.lock", thread_local=False)
    try:
        take_turn(lock, tick, timeout)
    except Timeout:
        raise EnvironmentProblemError(
            f"{path} is in use by another build, for more than {timeout:.0f} s; it takes one "
            "writer at a time"
        ) from None
    hold = WarehouseHold(lock)
    try:
        yield hold
    finally:
        hold.release()


def file_of_one_writer(profile: dict[str, Any], project_dir: Path) -> Path | None:
    """Return the file that only one process at a time may write to, None if many may.

    That is a DuckDB or SQLite file, or the folder of the Derby database that holds a Spark
    session's metastore: beside the product, or where the profile places it.
    """
    if profile.get("type") == "sqlite":
        paths = dict(profile.get("schemas_and_paths") or {})
        location = str(paths.get(profile.get("schema"), ""))
        return project_dir / render(location, project_dir) if location else None
    if profile.get("type") == "spark" and profile.get("method") == "session":
        return _metastore_folder(dict(profile.get("server_side_parameters") or {}), project_dir)
    return duckdb_file(profile, project_dir)


def _metastore_folder(settings: dict[str, Any], project_dir: Path) -> Path | None:
    """Return the folder of a Spark session's metastore, None if it allows many writers."""
    own = {name: value for name, value in settings.items() if _is_of_metastore(name)}
    if not own:
        return project_dir / "metastore_db"
    urls = [
        str(url) for name, url in own.items() if name.endswith("javax.jdo.option.ConnectionURL")
    ]
    folders = (_derby_folder(render(url, project_dir)) for url in urls)
    return next((project_dir / folder for folder in folders if folder), None)


def _is_of_metastore(name: str) -> bool:
    return "metastore" in name or "javax.jdo" in name


def _derby_folder(url: str) -> str:
    """Return the folder of an embedded Derby database, "" for any other database.

    >>> _derby_folder("jdbc:derby:;databaseName=/data/metastore;create=true")
    '/data/metastore'
    """
    found = _DERBY.fullmatch(url)
    return (found["name"] or found["attribute"] or "") if found else ""
