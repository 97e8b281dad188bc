"""Alerts: what became of a run, told once to each who is to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from floe_core.alerts.deadline_watch import report_lateness
    from floe_core.alerts.delivery_status import AlertStatus, flush, status
    from floe_core.alerts.lateness import jobs_with_deadlines
    from floe_core.alerts.report import report_run, send_waiting
    from floe_core.alerts.run_outcome import RunOutcome

__all__ = [
    "AlertStatus",
    "RunOutcome",
    "flush",
    "jobs_with_deadlines",
    "report_lateness",
    "report_run",
    "send_waiting",
    "status",
]

_HOMES = {
    "AlertStatus": "floe_core.alerts.delivery_status",
    "RunOutcome": "floe_core.alerts.run_outcome",
    "flush": "floe_core.alerts.delivery_status",
    "jobs_with_deadlines": "floe_core.alerts.lateness",
    "report_lateness": "floe_core.alerts.deadline_watch",
    "report_run": "floe_core.alerts.report",
    "send_waiting": "floe_core.alerts.report",
    "status": "floe_core.alerts.delivery_status",
}


def __getattr__(name: str) -> Any:
    """Import a part when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
