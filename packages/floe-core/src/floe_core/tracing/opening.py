"""Start tracing, or report why that is not possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from floe_core.foundation.entry_points import installed_points
from floe_core.foundation.extras import install_command
from floe_core.schemas.policies import TracingSettings
from floe_core.tracing.switch import is_wanted

if TYPE_CHECKING:
    from floe_core.tracing.span_sender import SpanSender

# What it names is called with the settings, `trace_id`, `capacity` and `redact`.
GROUP = "floe.tracing"
NOT_INSTALLED = (
    f"tracing is asked for, but OpenTelemetry is not installed: {install_command('tracing')}"
)


def open_sender(
    settings: TracingSettings,
    complain: Callable[[str], None],
    redact: Callable[[str], str],
    *,
    trace_id: int = 0,
    capacity: int = 1,
) -> SpanSender | None:
    """Return the sender of spans; None if none are wanted, or none can be created.

    `complain` receives the reason. `trace_id` is for a trace that begins here, 0 for a random one.
    `capacity` is the number of spans that may wait at once.
    """
    if not is_wanted(settings):
        return None
    (point,) = installed_points(GROUP).values()
    # Tracing must never fail a run, and exporters are third-party code, configured by the
    # environment: this is the one place that catches whatever they raise.
    try:
        sender: SpanSender = point.load()(settings, trace_id, capacity, redact)
    except ModuleNotFoundError:
        complain(NOT_INSTALLED)
        return None
    except Exception as error:  # noqa: BLE001
        complain(redact(f"no spans are sent: {type(error).__name__}: {error}"))
        return None
    return sender
