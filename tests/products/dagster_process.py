"""A program of Dagster's that runs for the length of a block, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

BIN = Path(sys.executable).parent


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
    program, *arguments = map(str, command)
    ours = {"DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "yes"}
    with (home / f"{program}.log").open("ab") as log:
        process = subprocess.Popen(
            [BIN / program, *arguments],
            cwd=folder or home,
            env={**os.environ, **ours, **(variables or {})},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
