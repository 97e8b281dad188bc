"""Alerts on the end of a run, sent once to each receiver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floe_core.foundation.lazy_names import importer

if TYPE_CHECKING:
    from floe_core.alerts.deadline_watch import (
        green_runs,
        report_lateness,
        watch_deadlines_since,
    )
    from floe_core.alerts.delivery_status import AlertStatus, flush, status
    from floe_core.alerts.lateness import jobs_with_deadlines
    from floe_core.alerts.report import report_run, send_waiting
    from floe_core.alerts.run_outcome import RunOutcome, parameters_among

__all__ = [
    "AlertStatus",
    "RunOutcome",
    "flush",
    "green_runs",
    "jobs_with_deadlines",
    "parameters_among",
    "report_lateness",
    "report_run",
    "send_waiting",
    "status",
    "watch_deadlines_since",
]

_HOMES = {
    "AlertStatus": "floe_core.alerts.delivery_status",
    "RunOutcome": "floe_core.alerts.run_outcome",
    "flush": "floe_core.alerts.delivery_status",
    "green_runs": "floe_core.alerts.deadline_watch",
    "jobs_with_deadlines": "floe_core.alerts.lateness",
    "parameters_among": "floe_core.alerts.run_outcome",
    "report_lateness": "floe_core.alerts.deadline_watch",
    "report_run": "floe_core.alerts.report",
    "send_waiting": "floe_core.alerts.report",
    "status": "floe_core.alerts.delivery_status",
    "watch_deadlines_since": "floe_core.alerts.deadline_watch",
}


# Import a part when it is first used.
__getattr__ = importer(__name__, _HOMES)
