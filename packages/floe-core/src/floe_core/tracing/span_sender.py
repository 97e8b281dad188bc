"""What sends spans, as the entry point `floe.tracing` names it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from floe_core.tracing.trace_id import SpanIds

Attributes = Mapping[str, str | int]


class Span(Protocol):
    """A span that has started."""

    @property
    def ids(self) -> SpanIds:
        """Its ids."""

    def set_attribute(self, name: str, value: int) -> None:
        """Set an attribute."""

    def start(self, name: str, attributes: Attributes, at: datetime | None = None) -> Span:
        """Start a span below this one, at an aware time or now."""

    def end(self, status: str, problem: str | None, at: datetime | None = None) -> None:
        """End with floe's word for how; `problem` is None where nothing went wrong."""


class SpanSender(Protocol):
    """Spans of one piece of work, sent in the background."""

    def start(self, name: str, attributes: Attributes, at: datetime | None = None) -> Span:
        """Start a span below what is around this work."""

    def finish(self, seconds: float) -> None:
        """Start sending the waiting spans, for up to `seconds`; all spans have ended."""

    def wait(self) -> None:
        """Wait until all is sent, the time is over or nobody takes it; warn of lost spans."""
