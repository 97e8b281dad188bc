"""The exporters that `OTEL_TRACES_EXPORTER` names; OTLP over HTTP by default."""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points

from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter

from floe_core.foundation.process_environment import environment_with
from floe_core.schemas.policies import TracingSettings
from floe_core.tracing.span_sender import ENDPOINTS, EXPORTER

_GROUP = "opentelemetry_traces_exporter"
_PROTOCOLS = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}


def span_exporters(settings: TracingSettings) -> list[SpanExporter]:
    """Return an exporter for each name, configured by OpenTelemetry's own environment.

    The manifest's settings apply where the environment sets nothing.

    Raises:
        LookupError: None of that name is installed, or the protocol is unknown.
    """
    names = (os.environ.get(EXPORTER) or settings.exporter or "otlp").split(",")
    is_placed = any(os.environ.get(name) for name in ENDPOINTS) or not settings.endpoint
    with environment_with({} if is_placed else {ENDPOINTS[0]: settings.endpoint}):
        return [_exporter(name.strip()) for name in names]


def _exporter(name: str) -> SpanExporter:
    if name == "console":
        # Standard output is for what the user requested, such as JSON.
        return ConsoleSpanExporter(out=sys.stderr)
    wanted = _otlp() if name == "otlp" else name
    found = list(entry_points(group=_GROUP, name=wanted))
    if not found:
        known = ", ".join(sorted({"console", "none", "otlp", *entry_points(group=_GROUP).names}))
        raise LookupError(f"no exporter of traces named '{wanted}' is installed; there are {known}")
    exporter: SpanExporter = found[0].load()()
    return exporter


def _otlp() -> str:
    name = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
    protocol = os.environ.get(name) or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
    if (protocol or "http/protobuf") not in _PROTOCOLS:
        raise LookupError(f"no OTLP protocol '{protocol}'; there are {', '.join(_PROTOCOLS)}")
    return _PROTOCOLS[protocol or "http/protobuf"]
