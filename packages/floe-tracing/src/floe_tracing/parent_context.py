"""What called floe, as far as it is traced."""

from __future__ import annotations

import os

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


def parent_context() -> Context:
    """Return the context that spans belong into: of the caller, or of `TRACEPARENT`, or empty.

    A span of the caller that is not recorded is none: Airflow makes one for each task though its
    own tracing is off, and it would switch ours off with it.
    """
    current = trace.get_current_span()
    if current.is_recording():
        return trace.set_span_in_context(current, Context())
    carrier = {name: os.environ.get(name.upper(), "") for name in ("traceparent", "tracestate")}
    return TraceContextTextMapPropagator().extract(carrier, Context())
