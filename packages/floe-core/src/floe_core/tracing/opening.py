"""Start to trace, or say why that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from floe_core.schemas.policies import TracingSettings
from floe_core.tracing.switch import is_wanted

if TYPE_CHECKING:
    from floe_core.tracing.span_sender import SpanSender

NOT_INSTALLED = (
    "tracing is asked for, but OpenTelemetry is not installed: pip install 'floe-core[tracing]'"
)


def open_sender(
    settings: TracingSettings,
    complain: Callable[[str], None],
    redact: Callable[[str], str],
    *,
    trace_id: int = 0,
    capacity: int = 1,
) -> SpanSender | None:
    """Return what spans are made with; None where none are wanted, or cannot be had.

    `complain` receives the reason. See `SpanSender` for the rest.
    """
    if not is_wanted(settings):
        return None
    try:
        from floe_core.tracing.span_sender import SpanSender
    except ImportError:
        complain(NOT_INSTALLED)
        return None
    # Tracing must fail no run, and exporters are others' code, configured by the environment:
    # this is the one place where whatever they raise ends.
    try:
        return SpanSender(settings, trace_id, capacity, redact)
    except Exception as error:  # noqa: BLE001
        complain(redact(f"no spans are sent: {type(error).__name__}: {error}"))
        return None
