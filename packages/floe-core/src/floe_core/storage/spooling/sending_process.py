"""A process that sends in the background, without delaying its parent, and its main loop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from floe_core.storage.spooling.draining import Drainer
from floe_core.storage.spooling.spool import Json, Spool

# If a receiver takes longer for one event, the end of a run does not wait for it.
_SILENT_SECONDS = 2.0
_LOOK_EVERY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class SendingProgram:
    """`python -m MODULE` in a folder, which reads `start` as its first line.

    `environment` is added to this process's own. With `shows_errors`, its stderr is shown.
    """

    module: str
    folder: Path
    start: Json
    environment: Mapping[str, str]
    shows_errors: bool = False


class SendingProcess:
    """A process that drains spools as long as this one lives."""

    def __init__(self, spools: Sequence[Spool], program: SendingProgram) -> None:
        self._spools = spools
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def start(self) -> None:
        """Start the process, unless it is running."""
        if self._owner == os.getpid() and self._process and self._process.poll() is None:
            return
        for spool in self._spools:
            spool.forget_sending()
        program = self._program
        # -P: a product's own folders are not Python packages. A separate session: Ctrl-C is for the
        # run, and must not interrupt the event that is being sent.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", program.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=None if program.shows_errors else subprocess.DEVNULL,
            cwd=program.folder,
            env={**os.environ, **program.environment},
            start_new_session=True,
        )
        self._owner = os.getpid()
        self._write_line(self._process, json.dumps(program.start))

    def close(self, seconds: float) -> bool:
        """Let the process send waiting events for some seconds; return whether none is left.

        A receiver that does not respond is tried only once more, and one that has not responded for
        a while is not waited for. If the process is still sending an event when the time is up, it
        ends by itself after that event.
        """
        process = self._process if self._owner == os.getpid() else None
        self._process = None
        if process is None:
            return False
        self._write_line(process, "finish")
        try:
            return self._wait(process, seconds)
        except subprocess.TimeoutExpired:
            return False
        finally:
            with suppress(OSError):
                _pipe(process).close()

    def _wait(self, process: subprocess.Popen[bytes], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._is_silent():
            with suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=_LOOK_EVERY_SECONDS) == 0
        return process.poll() == 0

    def _is_silent(self) -> bool:
        return any(spool.seconds_sending() >= _SILENT_SECONDS for spool in self._spools)

    @staticmethod
    def _write_line(process: subprocess.Popen[bytes], line: str) -> None:
        with suppress(OSError):
            _pipe(process).write(line.encode() + b"\n")
            _pipe(process).flush()


def _pipe(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None  # it is started with a pipe
    return process.stdin


_WAKE_EVERY_SECONDS = 0.1
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0


class _Orders:
    """The parent's orders: go on, send what waits and end, or stop."""

    def __init__(self) -> None:
        self.finish = threading.Event()
        self.stop = threading.Event()
        self._changed = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def pause(self, seconds: float) -> None:
        """Wait for some seconds, or until the parent sends something."""
        self._changed.wait(seconds)
        self._changed.clear()

    def _listen(self) -> None:
        for line in sys.stdin:
            if line.strip() == "finish":
                self.finish.set()
                self._changed.set()
        self.stop.set()
        self._changed.set()


class _Turn:
    """One spool's drainer, and the time of its next attempt."""

    def __init__(self, drainer: Drainer) -> None:
        self._drainer = drainer
        self._pause = _FIRST_PAUSE_SECONDS
        self._try_at = 0.0
        self.is_done = False
        self.has_left = False

    def take(self, should_stop: Callable[[], bool], is_last: bool) -> None:
        """Drain if it is time to, or if this is the last turn."""
        if not is_last and time.monotonic() < self._try_at:
            return
        drained = self._drainer.drain(should_stop)
        if drained.is_others_work:
            self._pause, self._try_at = _FIRST_PAUSE_SECONDS, 0.0
            return
        self.is_done, self.has_left = is_last, bool(drained.reason)
        if drained.reason:
            self._try_at = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
        else:
            self._pause, self._try_at = _FIRST_PAUSE_SECONDS, 0.0


def serve(drainers: Mapping[Spool, Drainer], *, finishes_alone: bool = False) -> int:
    """Drain until standard input ends or contains "finish". Return 0 if nothing waits.

    With `finishes_alone`, the turn after "finish" is completed even if the parent is gone.
    """
    turns = [_Turn(drainer) for drainer in drainers.values()]
    orders = _Orders()

    def should_stop() -> bool:
        return orders.stop.is_set() and not (finishes_alone and orders.finish.is_set())

    while not should_stop():
        is_last = orders.finish.is_set()
        for turn in turns:
            if not turn.is_done:
                turn.take(should_stop, is_last)
        if all(turn.is_done for turn in turns):
            return 1 if any(turn.has_left for turn in turns) else 0
        orders.pause(_WAKE_EVERY_SECONDS)
    return 1 if any(spool.list_waiting() for spool in drainers) else 0
