"""The process that runs a flow: started, listened to, and gone whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from floe_orchestrator_prefect.local.local_home import local_environment
from floe_orchestrator_prefect.local.run_order import RunOrder

MODULE = "floe_orchestrator_prefect.local.launched_run"
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class RunProcess:
    """One launched run. `events` is a pipe of its own: nothing a library prints gets into it."""

    process: subprocess.Popen[bytes]
    events: TextIO

    def lines(self) -> Iterator[str]:
        """Yield what the process tells, whole lines alone, to its end."""
        return (line for line in self.events if line.endswith("\n"))


@contextmanager
def run_process(order: RunOrder, home: Path, log: Path) -> Iterator[RunProcess]:
    """Start a process for the order; wait for it at the end of the block.

    A block that is left by an error closes the process's input, at which it cancels its run. It has
    a process group of its own, Prefect's server in it, of which nothing is left behind.
    """
    heard, told = os.pipe()
    with os.fdopen(heard, encoding="utf-8") as events:
        try:
            process = _started(order, home, log, told)
        finally:
            os.close(told)
        assert process.stdin is not None
        try:
            yield RunProcess(process, events)
        except BaseException:
            _close(process.stdin)
            raise
        finally:
            _gone(process, process.stdin)


def _started(order: RunOrder, home: Path, log: Path, told: int) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(told)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Not the product's: a prefect.toml or .env in it would be read.
            cwd=home,
            env=local_environment(home),
            pass_fds=(told,),
            start_new_session=True,
        )
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(order.to_line().encode() + b"\n")
        process.stdin.flush()
    return process


def _gone(process: subprocess.Popen[bytes], order: IO[bytes]) -> None:
    """Wait for the process, not for ever, and see to it that none of its group is left."""
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _close(order)


def _close(pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):
        pipe.close()
