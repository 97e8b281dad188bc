"""Pass the events of a build in this process to its receivers as they happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from floe_core.runs.build_events import BuildEvent

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
