"""The ids of spans and traces; those of traces are computed from a run's properties."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256

from floe_core.runs.build_request import BuildRequest


@dataclass(frozen=True, slots=True)
class SpanIds:
    """The ids of a span and of its trace, in hexadecimal as W3C Trace Context writes them."""

    trace_id: str
    span_id: str


def trace_id_of_run(product: str, request: BuildRequest) -> int:
    """Return the id of the trace that all attempts of a run share.

    A run with a tick is identified by it, on any orchestrator; others by the orchestrator's run id.
    """
    tick = request.nominal_time
    run = tick.astimezone(UTC).isoformat() if tick else request.run_id
    data = "\0".join(("floe", product, request.job, run))
    # Never 0, which stands for "no trace": the highest bit is set.
    return int.from_bytes(sha256(data.encode()).digest()[:16]) | 1 << 127
