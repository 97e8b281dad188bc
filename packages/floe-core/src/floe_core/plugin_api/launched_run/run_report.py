"""Report the events and the end of a launched run to the process that launched it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import RawIOBase

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
