"""The process of a launched run: started, listened to, and gone whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from floe_core.launched_run.run_order import RunOrder


@dataclass(frozen=True, slots=True)
class RunProgram:
    """What runs an order: `python -m MODULE FD` in a folder, with this environment and no other.

    It reads the order from its standard input, and reports to the file descriptor FD. `patience` is
    how many seconds it has to end in, `orchestrator` a name for people.
    """

    orchestrator: str
    module: str
    folder: Path
    environment: Mapping[str, str]
    patience: float


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
        """Yield what the process reports, whole lines alone, to its end."""
        return (line for line in self.events if line.endswith("\n"))


@contextmanager
def run_process(program: RunProgram, order: RunOrder, log: Path) -> Iterator[RunProcess]:
    """Start a process for the order; wait for it at the end of the block, or end it.

    Its standard input is the order, then silence: when that breaks off, this process is gone and
    the other ends itself. It has a process group of its own, of which nothing is left behind.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as events:
        try:
            process = _start(program, order, log, writing)
        finally:
            os.close(writing)
        is_broken_off = True
        try:
            yield RunProcess(process, events)
            is_broken_off = False
        finally:
            if is_broken_off:
                events.close()
                _close_input(process)
            _end(process, program.patience)


def _start(
    program: RunProgram, order: RunOrder, log: Path, writing: int
) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", program.module, str(writing)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=program.folder,
            env=program.environment,
            pass_fds=(writing,),
            start_new_session=True,
        )
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(order.to_line().encode() + b"\n")
        process.stdin.flush()
    return process


def _end(process: subprocess.Popen[bytes], patience: float) -> None:
    """Wait for the process, not for ever, and see to it that none of its group is left."""
    try:
        process.wait(patience)
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
