"""The process that runs Dagster: started, listened to, and gone whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from floe_orchestrator_dagster.local.run_order import RunOrder

MODULE = "floe_orchestrator_dagster.local.launched_run"
PATIENCE_SECONDS = 20.0

_QUIET = {"DAGSTER_DISABLE_TELEMETRY": "yes", "DBT_SEND_ANONYMOUS_USAGE_STATS": "False"}


@dataclass(frozen=True)
class RunProcess:
    """One launched run. `events` is a pipe of its own: nothing a library prints gets into it."""

    process: subprocess.Popen[bytes]
    events: TextIO

    @property
    def exit_code(self) -> int | None:
        """The exit code, None while it runs."""
        return self.process.poll()

    def lines(self) -> Iterator[str]:
        """Yield what the process tells, whole lines alone, to its end."""
        for line in self.events:
            if line.endswith("\n"):
                yield line


@contextmanager
def run_process(order: RunOrder, home: Path, log: Path) -> Iterator[RunProcess]:
    """Start a process for the order; wait for it at the end of the block, or end it.

    Its standard input is the order, then silence: when that breaks off, this process is gone and
    the other ends itself. It has a process group of its own, of which nothing is left behind.
    """
    heard, told = os.pipe()
    with os.fdopen(heard, encoding="utf-8") as events:
        try:
            process = _started(order, home, log, told)
        finally:
            os.close(told)
        is_broken_off = True
        try:
            yield RunProcess(process, events)
            is_broken_off = False
        finally:
            if is_broken_off:
                events.close()
                _close_input(process)
            _gone(process)


def _started(order: RunOrder, home: Path, log: Path, told: int) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(told)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=order.project_dir,
            env={**os.environ, **_QUIET, "DAGSTER_HOME": str(home)},
            pass_fds=(told,),
            start_new_session=True,
        )
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(order.to_line().encode() + b"\n")
        process.stdin.flush()
    return process


def _gone(process: subprocess.Popen[bytes]) -> None:
    """Wait for the process, not for ever, and see to it that none of its group is left."""
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _close_input(process)


def _close_input(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.close()
