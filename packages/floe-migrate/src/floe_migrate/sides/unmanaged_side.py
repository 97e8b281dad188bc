"""A schedule that floe does not manage, as a side of a move, such as `airflow:DAG_ID`.

Its name stands in the records, where orchestrators of floe see that they do not own the job.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from floe_core.plugin_api.powers import RunningSchedule
from floe_core.plugin_api.run_history import RecordedRun
from floe_core.plugin_api.unmanaged_schedules import UnmanagedSchedule

_MARK = ":"


def is_unmanaged(name: str) -> bool:
    """Return whether a side is a schedule that floe does not manage."""
    return _MARK in name


def orchestrator_of(name: str) -> str:
    """Return the name of a side's plugin.

    >>> orchestrator_of("airflow:nightly"), orchestrator_of("dagster")
    ('airflow', 'dagster')
    """
    return name.partition(_MARK)[0]


def name_there(name: str) -> str:
    """Return the name that the orchestrator has for the schedule.

    >>> name_there("airflow:nightly")
    'nightly'
    """
    return name.partition(_MARK)[2]


@dataclass(frozen=True)
class UnmanagedSide:
    """A schedule of a running orchestrator that starts one job of the product."""

    name: str
    schedule: UnmanagedSchedule

    def runs(self, job_name: str) -> Sequence[RecordedRun]:
        """See `Side.runs`."""
        return self.schedule.runs()

    def backfills(self, job_name: str) -> Sequence[str]:
        """Return none: one that is about to create runs counts as a run that is starting."""
        return ()

    def shown(self, job_name: str) -> RunningSchedule | None:
        """See `Side.shown`."""
        found = self.schedule.state()
        return RunningSchedule(found.next_tick if found.is_enabled else None, found.is_enabled)

    def apply(self, job_name: str) -> None:
        """Do nothing: it reads no records."""
