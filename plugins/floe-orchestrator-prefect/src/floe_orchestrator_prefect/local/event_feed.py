"""Lets whoever runs a flow in this process hear its build events as they happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from floe_core.build_events import BuildEvent

_listeners: list[Callable[[BuildEvent], None]] = []


@contextmanager
def listening(listener: Callable[[BuildEvent], None]) -> Iterator[None]:
    """Call the listener with every event told inside the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(event: BuildEvent) -> None:
    """Pass an event to all who listen."""
    for listener in _listeners:
        listener(event)
