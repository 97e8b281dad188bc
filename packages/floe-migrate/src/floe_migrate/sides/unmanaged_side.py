"""A schedule that floe does not manage, as a side of a move, such as `airflow:DAG_ID`.

Its name stands in the records, where orchestrators of floe see that they do not own the job.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from floe_core.plugin_api.powers import RunningSchedule
from floe_core.plugin_api.run_history import RecordedRun
from floe_core.plugin_api.unmanaged_schedules import UnmanagedSchedule, UnmanagedSchedules

SECONDS = 60.0
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


@dataclass(frozen=True)
class UnmanagedSide:
    """A schedule of a running orchestrator that starts one job of the product."""

    name: str
    plugin: UnmanagedSchedules

    @property
    def schedule_name(self) -> str:
        """The name that the orchestrator has for it."""
        return self.name.partition(_MARK)[2]

    def schedule(self) -> UnmanagedSchedule:
        """Return how it stands.

        Raises:
            EnvironmentProblemError: The orchestrator does not respond, or does not have it.
        """
        return self.plugin.unmanaged_schedule(self.schedule_name, SECONDS)

    def pause(self) -> None:
        """Pause it. Raises like `schedule`."""
        self.plugin.pause_unmanaged(self.schedule_name, SECONDS)

    def resume(self, first: datetime) -> datetime:
        """Resume it if it starts with a tick; return its first one. Raises like `schedule`."""
        return self.plugin.resume_unmanaged(self.schedule_name, first, SECONDS)

    def runs(self, job_name: str) -> Sequence[RecordedRun]:
        """See `Side.runs`."""
        return self.plugin.unmanaged_runs(self.schedule_name, SECONDS)

    def shown(self, job_name: str) -> RunningSchedule | None:
        """See `Side.shown`."""
        found = self.schedule()
        return RunningSchedule(found.next_tick if found.is_enabled else None, found.is_enabled)

    def apply(self, job_name: str) -> None:
        """Do nothing: it reads no records."""
