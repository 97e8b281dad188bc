"""One side of a move: an orchestrator, asked through its plugin, or a schedule of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from floe_core.foundation.errors import EnvironmentProblemError, PluginError
from floe_core.plugin_api.powers import OwnerFollower, RunningSchedule, ScheduleReporter
from floe_core.plugin_api.run_history import BackfillReporter, RecordedRun, RunHistory
from floe_core.plugin_api.unmanaged_schedules import UnmanagedSchedule
from floe_core.plugin_interfaces import OrchestratorPlugin
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

_MARK = ":"

SECONDS = 20.0
# Queued and running runs are all among those, or among the ones that changed lately.
_MOST, _LATELY = 200, timedelta(days=1)


class Side(Protocol):
    """An orchestrator that has the product, or is to have it."""

    @property
    def name(self) -> str:
        """The name of its plugin."""

    def runs(self, job_name: str) -> Sequence[RecordedRun]:
        """Return the job's last runs, and all that are queued or running.

        Raises:
            EnvironmentProblemError: It does not respond.
        """

    def backfills(self, job_name: str) -> Sequence[str]:
        """Return the job's backfills that are not over, which may have no run yet.

        Raises:
            EnvironmentProblemError: It does not respond.
        """

    def shown(self, job_name: str) -> RunningSchedule | None:
        """Return the job's schedule as it reports it; None if it does not have the job."""

    def apply(self, job_name: str) -> None:
        """Make it apply the stored schedule and owner of a job now.

        Raises:
            EnvironmentProblemError: It responds, but does not.
        """


@dataclass(frozen=True)
class LiveSide:
    """A side whose plugin has the settings to reach it; `artifacts` are compiled for it."""

    artifacts: CompiledArtifacts
    plugin: OrchestratorPlugin

    @property
    def name(self) -> str:
        """See `Side.name`."""
        return self.artifacts.orchestrator.name

    def runs(self, job_name: str) -> Sequence[RecordedRun]:
        """See `Side.runs`."""
        if not isinstance(self.plugin, RunHistory):
            raise self._lacks("list runs")
        found: dict[str, RecordedRun] = {}
        for since in (None, datetime.now(UTC) - _LATELY):
            for run in self.plugin.recent_runs([self.artifacts], since, _MOST, SECONDS):
                if run.job == job_name:
                    found[run.run_id] = run
        return tuple(found.values())

    def backfills(self, job_name: str) -> Sequence[str]:
        """See `Side.backfills`. Without the power, its runs are all that there is."""
        if not isinstance(self.plugin, BackfillReporter):
            return ()
        return self.plugin.backfills_of(self.artifacts, job_name, SECONDS)

    def shown(self, job_name: str) -> RunningSchedule | None:
        """See `Side.shown`."""
        if not isinstance(self.plugin, ScheduleReporter):
            raise self._lacks("report schedules")
        return self.plugin.running_schedule(self.artifacts, job_name)

    def apply(self, job_name: str) -> None:
        """See `Side.apply`."""
        if not isinstance(self.plugin, OwnerFollower):
            raise self._lacks("apply schedules")
        self.plugin.follow_owner(self.artifacts, job_name)

    def _lacks(self, what: str) -> EnvironmentProblemError:
        return PluginError(f"the plugin '{self.name}' cannot {what}, so products cannot move")


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
    """A schedule of a running orchestrator that floe does not manage, such as `airflow:DAG_ID`.

    It starts one job of the product. Its name stands in the records, where orchestrators of floe
    see that they do not own the job.
    """

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
