"""How others name a span: lineage says of each run which span is about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpanIds:
    """The ids of a span and of its trace, in hexadecimal as W3C Trace Context writes them."""

    trace_id: str
    span_id: str
