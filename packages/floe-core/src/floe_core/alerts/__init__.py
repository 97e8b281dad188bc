"""Alerts on the end of a run, sent once to each receiver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floe_core.foundation.lazy_names import importer

if TYPE_CHECKING:
    from floe_core.alerts.deadline_watch import green_runs as green_runs
    from floe_core.alerts.deadline_watch import report_lateness as report_lateness
    from floe_core.alerts.deadline_watch import watch_deadlines_since as watch_deadlines_since
    from floe_core.alerts.delivery_status import AlertStatus as AlertStatus
    from floe_core.alerts.delivery_status import flush as flush
    from floe_core.alerts.delivery_status import status as status
    from floe_core.alerts.lateness import jobs_with_deadlines as jobs_with_deadlines
    from floe_core.alerts.report import report_run as report_run
    from floe_core.alerts.report import send_waiting as send_waiting
    from floe_core.alerts.run_outcome import RunOutcome as RunOutcome
    from floe_core.alerts.run_outcome import parameters_among as parameters_among

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
