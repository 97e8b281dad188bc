"""Spans of one piece of work, sent in the background by OpenTelemetry's SDK."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime

from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from floe_core import __version__
from floe_core.schemas.policies import TracingSettings
from floe_core.tracing.span_sender import Attributes, SpanSender
from floe_tracing.noted_exporter import NotedExporter
from floe_tracing.opentelemetry_span import OpenTelemetrySpan, SpanPlace
from floe_tracing.parent_context import parent_context
from floe_tracing.span_exporters import span_exporters

_LOOK_EVERY_SECONDS = 0.02
_DEFAULT_QUEUE = 2048

_log = logging.getLogger("floe.tracing")


class OpenTelemetrySender(SpanSender):
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
        tracer = self._provider.get_tracer("floe", __version__)
        self._around = SpanPlace(tracer, parent_context())
        self._ending = threading.Thread(target=self._send_the_rest, daemon=True)
        self._ends_at = 0.0

    def start(
        self, name: str, attributes: Attributes, at: datetime | None = None
    ) -> OpenTelemetrySpan:
        """Start a span below what is around this work."""
        return self._around.start(name, attributes, at)

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
