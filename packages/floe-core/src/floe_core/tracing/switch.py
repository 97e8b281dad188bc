"""Decide whether spans are wanted, by OpenTelemetry's environment variables or the manifest."""

from __future__ import annotations

import os

from floe_core.foundation.process_environment import is_true
from floe_core.schemas.policies import TracingSettings

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
