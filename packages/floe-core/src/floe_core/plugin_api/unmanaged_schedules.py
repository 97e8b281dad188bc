"""The power of a plugin that can take over a schedule that floe did not create."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from floe_core.plugin_api.run_history import RecordedRun


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """How a schedule that floe did not create stands. Times are in UTC.

    `cron` and `timezone` are as the orchestrator shows them, "" if it does not. `last_tick` is the
    newest tick that it has started, `next_tick` the one that it would start first if it were
    resumed now; None if there is none. With `catchup` it starts every tick that it has missed.
    `is_starting` says that it is just starting a run, `stops_runs` that a pause would also stop
    runs that are queued or running, for instance keep their next tasks from starting.
    """

    is_enabled: bool
    cron: str = ""
    timezone: str = ""
    last_tick: datetime | None = None
    next_tick: datetime | None = None
    catchup: bool = False
    is_starting: bool = False
    stops_runs: bool = False


class UnmanagedSchedule(Protocol):
    """A schedule that a running orchestrator may have, and floe did not create.

    Each method returns or raises within about the seconds that it was requested with. All raise
    EnvironmentProblemError if the orchestrator does not respond, denies access, or has no such
    schedule, and UsageError for a name that cannot be one, or stands for several.
    """

    def state(self) -> ScheduleState:
        """Return how the schedule stands."""

    def runs(self) -> Sequence[RecordedRun]:
        """Return the last runs of its job, the newest first, and all that are queued or running.

        `nominal_time` is the tick of a run, None for one that was started in another way.
        """

    def pause(self) -> None:
        """Keep the schedule from starting runs."""

    def resume(self, first: datetime) -> datetime:
        """Resume the schedule if it then starts with the tick `first`; return its first tick.

        A tick other than `first` means that it is not resumed, or was resumed before.
        """


@runtime_checkable
class UnmanagedSchedules(Protocol):
    """A plugin that can pause and resume schedules of others on a running orchestrator."""

    def unmanaged_schedule(self, name: str, seconds: float) -> UnmanagedSchedule:
        """Return a schedule by the orchestrator's own name, such as a DAG id; requests nothing."""
