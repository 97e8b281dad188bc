"""The ids of a span, by which lineage refers to the span of each run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpanIds:
    """The ids of a span and of its trace, in hexadecimal as W3C Trace Context writes them."""

    trace_id: str
    span_id: str
