"""Spans of OpenTelemetry's SDK, with the attributes and states that floe gives them."""

from __future__ import annotations

from datetime import datetime

from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from floe_core.tracing.span_sender import Attributes
from floe_core.tracing.trace_id import SpanIds


class SpanPlace:
    """Starts spans below what is in a context."""

    def __init__(self, tracer: Tracer, context: Context) -> None:
        self._tracer = tracer
        self._context = context

    def start(
        self, name: str, attributes: Attributes, at: datetime | None = None
    ) -> OpenTelemetrySpan:
        """Start a span, at an aware time or now."""
        span = self._tracer.start_span(
            name, self._context, attributes=attributes, start_time=_nanoseconds(at)
        )
        return OpenTelemetrySpan(self._tracer, span)


class OpenTelemetrySpan(SpanPlace):
    """A span that has started, and the place below it."""

    def __init__(self, tracer: Tracer, span: Span) -> None:
        super().__init__(tracer, set_span_in_context(span))
        self._span = span

    @property
    def ids(self) -> SpanIds:
        """Its ids."""
        context = self._span.get_span_context()
        return SpanIds(f"{context.trace_id:032x}", f"{context.span_id:016x}")

    def set_attribute(self, name: str, value: int) -> None:
        """Set an attribute."""
        self._span.set_attribute(name, value)

    def end(self, status: str, problem: str | None, at: datetime | None = None) -> None:
        """End with floe's word for how; `problem` is None where nothing went wrong."""
        self._span.set_attribute("floe.status", status)
        if problem is not None:
            self._span.set_status(Status(StatusCode.ERROR, problem))
        self._span.end(_nanoseconds(at))


def _nanoseconds(at: datetime | None) -> int | None:
    """Return an aware time in the SDK's format, None for now."""
    return None if at is None else round(at.timestamp() * 1_000_000) * 1_000
