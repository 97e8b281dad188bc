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
    """What runs an order: `python -m MODULE FD IMPORT...` in a folder, with this environment alone.

    It imports the modules `imports`, reads the order from its standard input, and reports to the
    file descriptor FD. `patience` is how many seconds it has to end in, `orchestrator` a name for
    people.
    """

    orchestrator: str
    module: str
    folder: Path
    environment: Mapping[str, str]
    patience: float
    imports: tuple[str, ...] = ()


@dataclass
class RunProcess:
    """One launched run. `events` is a pipe of its own: nothing a library prints gets into it."""

    process: subprocess.Popen[bytes]
    events: TextIO
    patience: float
    has_order: bool = False

    def give(self, order: RunOrder) -> None:
        """Give it the order that it waits for. A process that has ended already takes none."""
        assert self.process.stdin is not None
        self.has_order = True
        with suppress(BrokenPipeError):
            self.process.stdin.write(order.to_line().encode() + b"\n")
            self.process.stdin.flush()

    def lines(self) -> Iterator[str]:
        """Yield what the process reports, whole lines alone, to its end."""
        return (line for line in self.events if line.endswith("\n"))

    def end(self) -> int:
        """Wait for it, not for ever, see to it that none of its group is left; its exit code."""
        return _end(self.process, self.patience)

    def break_off(self) -> None:
        """End it before it has reported all: at once while it waits for its order."""
        self.events.close()
        _close_input(self.process)
        _end(self.process, self.patience if self.has_order else 0.0)


@contextmanager
def run_process(program: RunProgram, log: Path) -> Iterator[RunProcess]:
    """Start a process that waits for its order; wait for it at the end of the block, or end it.

    Its standard input is the order, then silence: when that breaks off, this process is gone and
    the other ends itself. It has a process group of its own, of which nothing is left behind.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as events:
        try:
            started = _start(program, log, writing)
        finally:
            os.close(writing)
        process = RunProcess(started, events, program.patience)
        is_broken_off = True
        try:
            yield process
            is_broken_off = not process.has_order
        finally:
            if is_broken_off:
                process.break_off()
            else:
                process.end()


def _start(program: RunProgram, log: Path, writing: int) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", program.module, str(writing), *program.imports],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=program.folder,
            env=program.environment,
            pass_fds=(writing,),
            start_new_session=True,
        )


def _end(process: subprocess.Popen[bytes], patience: float) -> int:
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _close_input(process)
    return process.returncode


def _close_input(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.close()
