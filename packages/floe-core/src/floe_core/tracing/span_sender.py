"""Start tracing if it is wanted, with what the entry point `floe.tracing` names."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from floe_core.foundation.entry_points import installed_points
from floe_core.foundation.extras import install_command
from floe_core.foundation.process_environment import is_true
from floe_core.schemas.policies import TracingSettings
from floe_core.tracing.trace_id import SpanIds

EXPORTER = "OTEL_TRACES_EXPORTER"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def is_wanted(settings: TracingSettings) -> bool:
    """Return whether spans are to be sent. Cheap: imports nothing, reads only the environment.

    The environment requests them with an exporter or an endpoint, and switches them off with
    `OTEL_SDK_DISABLED=true` or `OTEL_TRACES_EXPORTER=none`, whatever the manifest says.
    """
    exporter = os.environ.get(EXPORTER, "").strip()
    if is_true("OTEL_SDK_DISABLED") or exporter == "none":
        return False
    return settings.enabled or bool(exporter) or any(os.environ.get(name) for name in ENDPOINTS)


Attributes = Mapping[str, str | int]


class Span(Protocol):
    """A span that has started."""

    @property
    def ids(self) -> SpanIds:
        """Its ids."""

    def set_attribute(self, name: str, value: int) -> None:
        """Set an attribute."""

    def start(self, name: str, attributes: Attributes, at: datetime | None = None) -> Span:
        """Start a span below this one, at an aware time or now."""

    def end(self, status: str, problem: str | None, at: datetime | None = None) -> None:
        """End with floe's word for how; `problem` is None where nothing went wrong."""


class SpanSender(Protocol):
    """Spans of one piece of work, sent in the background."""

    def start(self, name: str, attributes: Attributes, at: datetime | None = None) -> Span:
        """Start a span below what is around this work."""

    def finish(self, seconds: float) -> None:
        """Start sending the waiting spans, for up to `seconds`; all spans have ended."""

    def wait(self) -> None:
        """Wait until all is sent, the time is over or nobody takes it; warn of lost spans."""


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
