"""Spans of one piece of work, sent in the background by OpenTelemetry's SDK."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context
from opentelemetry.util.types import AttributeValue

from floe_core import __version__
from floe_core.schemas.policies import TracingSettings
from floe_core.tracing.noted_exporter import NotedExporter
from floe_core.tracing.parent_context import parent_context
from floe_core.tracing.span_exporters import span_exporters
from floe_core.tracing.span_ids import SpanIds

_LOOK_EVERY_SECONDS = 0.02
_DEFAULT_QUEUE = 2048

_log = logging.getLogger("floe.tracing")

Attributes = Mapping[str, AttributeValue]


class SpanSender:
    """A tracer of its own: it leaves alone what the process around it does with OpenTelemetry.

    `trace_id` is for a trace that begins here, 0 for a random one. `capacity` is the number of
    spans that may wait at once. `redact` takes secrets out of what exporters write to the log.

    Raises:
        LookupError: The requested exporter is not installed.
        ValueError: OpenTelemetry's environment variables contain an invalid value.
    """

    def __init__(
        self,
        settings: TracingSettings,
        trace_id: int,
        capacity: int,
        redact: Callable[[str], str],
    ) -> None:
        self._provider = TracerProvider(
            resource=_resource(), shutdown_on_exit=False, id_generator=_Ids(trace_id)
        )
        self._exporters = [NotedExporter(each, redact) for each in span_exporters(settings)]
        queue = max(capacity, _DEFAULT_QUEUE)
        for exporter in self._exporters:
            self._provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=queue))
        self._tracer = self._provider.get_tracer("floe", __version__)
        self._around = parent_context()
        self._ending = threading.Thread(target=self._send_the_rest, daemon=True)
        self._ends_at = 0.0

    def start(
        self,
        name: str,
        attributes: Attributes,
        parent: Span | None = None,
        at: datetime | None = None,
    ) -> Span:
        """Start a span, below another one or what is around this work."""
        context = set_span_in_context(parent) if parent else self._around
        return self._tracer.start_span(
            name, context, attributes=attributes, start_time=_nanoseconds(at)
        )

    def end(self, span: Span, status: str, problem: str | None, at: datetime | None = None) -> None:
        """End a span with floe's word for how; `problem` is None where nothing went wrong."""
        span.set_attribute("floe.status", status)
        if problem is not None:
            span.set_status(Status(StatusCode.ERROR, problem))
        span.end(_nanoseconds(at))

    @staticmethod
    def ids_of(span: Span) -> SpanIds:
        """Return the ids of a span."""
        context = span.get_span_context()
        return SpanIds(f"{context.trace_id:032x}", f"{context.span_id:016x}")

    def finish(self, seconds: float) -> None:
        """Start sending the waiting spans, for up to `seconds`; all spans have ended."""
        self._ends_at = time.monotonic() + seconds
        self._ending.start()

    def wait(self) -> None:
        """Wait until all is sent, the time is over or nobody takes it; warn of lost spans."""
        while self._ending.is_alive() and time.monotonic() < self._ends_at:
            self._ending.join(_LOOK_EVERY_SECONDS)
            if any(exporter.fails for exporter in self._exporters):
                break
        for exporter in self._exporters:
            exporter.shutdown()
        if self._ending.is_alive() or any(exporter.fails for exporter in self._exporters):
            why = ["the collector does not take them", *(e.complaint for e in self._exporters)]
            _log.warning("not all spans of this run were sent: %s", ": ".join(filter(None, why)))

    def _send_the_rest(self) -> None:
        self._provider.shutdown()
        for exporter in self._exporters:
            exporter.forget_log()


def _nanoseconds(at: datetime | None) -> int | None:
    """Return an aware time in the SDK's format, None for now."""
    return None if at is None else round(at.timestamp() * 1_000_000) * 1_000


def _resource() -> Resource:
    """Return the sender that the environment names; otherwise floe."""
    resource = Resource.create()
    if not str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
        return resource
    return resource.merge(Resource({SERVICE_NAME: "floe", SERVICE_VERSION: __version__}))


class _Ids(RandomIdGenerator):
    def __init__(self, trace_id: int) -> None:
        self._trace_id = trace_id

    def generate_trace_id(self) -> int:
        return self._trace_id or super().generate_trace_id()

    def is_trace_id_random(self) -> bool:
        return not self._trace_id
