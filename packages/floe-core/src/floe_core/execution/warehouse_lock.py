"""Keep a single-writer warehouse to one build at a time, across processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from floe_core.errors import EnvironmentProblemError
from floe_core.warehouse.duckdb_file import duckdb_file


@contextmanager
def sole_writer(profile: dict[str, Any], project_dir: Path, timeout: float) -> Iterator[None]:
    """Hold the warehouse for this build; at once where it takes several writers.

    Waits for another build that has it, for `timeout` seconds at most. The lock goes with the
    process that holds it, however that ends.

    Raises:
        EnvironmentProblemError: Another build still has it when the time is over.
    """
    path = duckdb_file(profile, project_dir)
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{path}.lock", timeout=timeout)
    try:
        lock.acquire()
    except Timeout:
        raise EnvironmentProblemError(
            f"{path} is in use by another build, for more than {timeout:.0f} s; DuckDB takes one "
            "writer at a time"
        ) from None
    try:
        yield
    finally:
        lock.release()
