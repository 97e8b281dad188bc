"""Start the process of a launched run, read its reports, and make sure that it ends."""

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

from floe_core.plugin_api.launched_run.program import PROGRAM
from floe_core.plugin_api.launched_run.run_order import RunOrder
from floe_core.storage.files import open_regular


@dataclass(frozen=True, slots=True)
class RunProgram:
    """The program that executes an order: `python -m MODULE FD IMPORT...`, run in a folder.

    It gets only the given environment. It imports the modules `imports`, reads the order from its
    standard input, and reports to the file descriptor FD. `patience` is how many seconds it may
    take to end, `orchestrator` a name to show to people.
    """

    orchestrator: str
    module: str
    folder: Path
    environment: Mapping[str, str]
    patience: float
    imports: tuple[str, ...] = ()


@dataclass
class RunProcess:
    """One launched run. `events` is a separate pipe: nothing that a library prints gets into it."""

    process: subprocess.Popen[bytes]
    events: TextIO
    patience: float
    has_order: bool = False

    def give(self, order: RunOrder) -> None:
        """Send the order that the process waits for; do nothing if it has already ended."""
        assert self.process.stdin is not None
        self.has_order = True
        with suppress(BrokenPipeError):
            self.process.stdin.write(order.to_line().encode() + b"\n")
            self.process.stdin.flush()

    def cancel(self) -> None:
        """Close the process's standard input: it interrupts its run, reports it, and ends."""
        _close_input(self.process)

    def lines(self) -> Iterator[str]:
        """Yield what the process reports, complete lines only, until it ends."""
        return (line for line in self.events if line.endswith("\n"))

    def end(self) -> int:
        """Wait for the process, not forever, leave none of its group; return its exit code."""
        return _end(self.process, self.patience)

    def break_off(self) -> None:
        """End the process before it has reported everything; at once if it waits for its order."""
        self.events.close()
        _close_input(self.process)
        _end(self.process, self.patience if self.has_order else 0.0)


@contextmanager
def run_process(program: RunProgram, log: Path) -> Iterator[RunProcess]:
    """Start a process that waits for its order; at the end of the block, wait for it or end it.

    Its standard input carries the order and stays open: when it closes, this process is gone, and
    the other one ends itself. It has its own process group, of which nothing is left behind.
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
    with open_regular(log, "wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", PROGRAM, program.module, str(writing), *program.imports],
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
