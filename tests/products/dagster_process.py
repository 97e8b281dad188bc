"""A program of Dagster's that runs for the length of a block, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dagster import DagsterInstance
from filelock import FileLock
from own_group import started_in_own_group


@contextmanager
def dagster_process(
    command: Sequence[object],
    home: Path,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Run a command of this environment on an instance, in a folder or in the instance's own.

    What it says is added to `<program>.log` in the instance's folder.
    """
    words = [str(word) for word in command]
    make_tables(home)
    ours = {"DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "yes"}
    environment = {**os.environ, **ours, **(variables or {})}
    process = started_in_own_group(words, home / f"{words[0]}.log", folder or home, environment)
    try:
        yield
    finally:
        _end(process)


def make_tables(home: Path) -> None:
    """Make the tables of an instance: two processes that make them at once harm each other."""
    with FileLock(home / "tables.lock"), DagsterInstance.from_config(str(home)) as instance:
        instance.get_runs(limit=1)
        instance.all_instigator_state()
        instance.event_log_storage.get_maximum_record_id()


def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
