"""In the process of a launched run: report its events and its end, and watch the parent."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import RawIOBase

from floe_core.foundation.lost_interrupts import interrupt_again
from floe_core.plugin_api.launched_run.run_order import RunEnd
from floe_core.runs.build_events import BuildEvent, NodeResult, to_line

_receivers: list[Callable[[BuildEvent], None]] = []


@contextmanager
def receiving(receive: Callable[[BuildEvent], None]) -> Iterator[None]:
    """Call the receiver with every event that is emitted inside the block.

    >>> from floe_core.runs.build_events import BuildEnded
    >>> received = []
    >>> with receiving(received.append):
    ...     emit(BuildEnded(True))
    >>> emit(BuildEnded(False))
    >>> received
    [BuildEnded(succeeded=True, message='')]
    """
    _receivers.append(receive)
    try:
        yield
    finally:
        _receivers.remove(receive)


def emit(event: BuildEvent) -> None:
    """Pass an event to every receiver."""
    for receive in _receivers:
        receive(event)


class RunReporter:
    """Writes to a pipe. `results` is node id -> result, for the results reported so far."""

    def __init__(self, pipe: RawIOBase) -> None:
        self._pipe = pipe
        self.results: dict[str, NodeResult] = {}

    def report(self, event: BuildEvent) -> None:
        """Report an event."""
        if isinstance(event, NodeResult):
            self.results[event.unique_id] = event
        self._write(to_line(event))

    def report_end(self, end: RunEnd) -> None:
        """Report how the run ended."""
        self._write(end.to_line())

    def _write(self, line: str) -> None:
        # The reader may be gone.
        with suppress(BrokenPipeError):
            self._pipe.write(f"{line}\n".encode())


@contextmanager
def reporting_to_parent() -> Iterator[RunReporter]:
    """Report every event of the block to the file descriptor that this process was started with."""
    with os.fdopen(int(sys.argv[1]), "wb", buffering=0) as pipe:
        reporter = RunReporter(pipe)
        with receiving(reporter.report):
            yield reporter


class ParentWatch:
    """Watches standard input from a thread, from its construction in the main thread on.

    If this process does not end within `patience` seconds of the interrupt, its group is killed.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._announce: Callable[[], None] | None = None
        self._lock = threading.Lock()
        # What a script starts in the background ignores interrupts, and so do its children.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        interrupt_again()
        threading.Thread(target=self._watch, name="floe-parent", daemon=True).start()

    @contextmanager
    def announcing(self, announce: Callable[[], None]) -> Iterator[None]:
        """Call `announce` from another thread before an interrupt of the block.

        It can report who requested it to an orchestrator that treats a bare interrupt as a failure.
        """
        with self._lock:
            self._announce = announce
        try:
            yield
        finally:
            with self._lock:
                self._announce = None

    def _watch(self) -> None:
        # Unbuffered: a thread that holds the buffer's lock would break the interpreter's exit.
        while os.read(sys.stdin.fileno(), 1):
            pass
        with self._lock:
            if self._announce is not None:
                self._announce()
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(self._patience)
        os.killpg(os.getpgid(0), signal.SIGKILL)
