"""A job that moves from a schedule of others and back, in simulated time, on a real store.

The schedule is simulated, with the rules of Airflow, Dagster or Prefect for what a pause and a
resume mean. A kill ends a move at any request to the store or to the schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from moving_world import EVERY_MINUTE, JOB, Killed, MortalRecords, World

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.run_history import RecordedRun
from floe_core.plugin_api.unmanaged_schedules import ScheduleState
from floe_core.schedules import latest_tick, next_tick, ticks_between
from floe_migrate.moving.handing_back import HandBack
from floe_migrate.moving.mover import Mover
from floe_migrate.moving.taking_over import TakeOver
from floe_migrate.sides.side import UnmanagedSide

Rules = Literal["airflow", "dagster", "prefect"]
OLD = "old:nightly"
INSTANT = timedelta(microseconds=1)


@dataclass
class SimulatedSchedule:
    """A schedule without catchup that starts a tick with a delay, one run at a time.

    A run has two tasks. As in Airflow, a pause keeps the second from starting, and a resume starts
    the latest tick that was missed; as in Dagster, neither. As in Prefect, a pause deletes what is
    due, and after a resume, ticks that are over can be requested.
    """

    world: UnmanagedWorld
    rules: Rules
    is_enabled: bool = True
    is_up: bool = True
    delay: timedelta = timedelta(seconds=4)
    lasts: timedelta = timedelta(seconds=20)
    started: list[RecordedRun] = field(default_factory=list)
    on_request: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self._next = next_tick(EVERY_MINUTE.cron, "UTC", self.world.now)
        self._occupied: set[datetime] = set()

    def look(self) -> None:
        """Let runs go on, and start a tick that is due."""
        now = self.world.now
        if not self.is_up:
            return
        if self.rules == "airflow" and not self.is_enabled:
            # The first task ends; the second one waits.
            self._hold(now)
            return
        if not self.is_enabled or any(not run.is_over for run in self._runs()):
            return
        if self.rules == "airflow":
            self._skip_missed(now)
        if self._next + self.delay <= now:
            if self._next not in {*self._occupied, *self._ticks()}:
                self._start(self._next)
            self._next = next_tick(EVERY_MINUTE.cron, "UTC", self._next)

    def _skip_missed(self, now: datetime) -> None:
        self._next = max(self._next, latest_tick(EVERY_MINUTE.cron, "UTC", now))
        if self._next in self._occupied:
            self._next = next_tick(EVERY_MINUTE.cron, "UTC", self._next)

    def _hold(self, now: datetime) -> None:
        for place, run in enumerate(self.started):
            assert run.ended_at
            if run.ended_at > now:
                self.started[place] = replace(run, ended_at=run.ended_at + (now - self._held_at))
        self._held_at = now

    def _start(self, tick: datetime) -> None:
        now, number = self.world.now, len(self.started)
        self.started.append(
            RecordedRun(JOB, JOB, f"old-{number}", "success", now, now, now + self.lasts, tick)
        )

    def _runs(self) -> list[RecordedRun]:
        now = self.world.now
        return [
            replace(run, state="success" if run.ended_at and run.ended_at <= now else "running")
            for run in self.started
        ]

    def _ask(self) -> None:
        self.on_request()
        if not self.is_up:
            raise EnvironmentProblemError("old does not respond")

    def state(self) -> ScheduleState:
        self._ask()
        last = max((run.nominal_time for run in self.started if run.nominal_time), default=None)
        return ScheduleState(
            is_enabled=self.is_enabled,
            cron=EVERY_MINUTE.cron,
            timezone="UTC",
            last_tick=last,
            next_tick=self._first_if_resumed(),
            stops_runs=self.rules == "airflow" or self._has_late_runs(),
        )

    def runs(self) -> Sequence[RecordedRun]:
        self._ask()
        late = [self._late_run()] if self._has_late_runs() else []
        return late + self._runs()[::-1]

    def pause(self) -> None:
        self._ask()
        self.is_enabled, self._held_at = False, self.world.now

    def _has_late_runs(self) -> bool:
        return self.rules == "prefect" and self.is_enabled and self._next <= self.world.now

    def _late_run(self) -> RecordedRun:
        return RecordedRun(JOB, JOB, "late", "queued", self._next, nominal_time=self._next)

    def resume(self, first: datetime) -> datetime:
        self._ask()
        if self.rules == "prefect":
            if not self.is_enabled:
                self.is_enabled, self._next = (
                    True,
                    next_tick(EVERY_MINUTE.cron, "UTC", self.world.now),
                )
            # The runs of ticks that are over are another request.
            self._ask()
            self._next = min(self._next, first)
            return first
        if self.is_enabled:
            return next((t for t in self._ticks() if t >= first), self._next)
        begins = self._first_if_resumed()
        if self.rules == "dagster":
            if begins == first:
                self.is_enabled, self._next = True, begins
            return begins
        if begins > first:
            return begins
        if begins < first:
            self._occupied.add(begins)
        self.is_enabled, self._next = True, begins
        return first

    def _ticks(self) -> list[datetime]:
        return sorted(run.nominal_time for run in self.started if run.nominal_time)

    def _first_if_resumed(self) -> datetime:
        now = self.world.now
        if self.is_enabled:
            return self._next
        if self.rules != "airflow":
            return next_tick(EVERY_MINUTE.cron, "UTC", now)
        ran = self._ticks()
        after = next_tick(EVERY_MINUTE.cron, "UTC", ran[-1]) if ran else self._next
        return max(after, latest_tick(EVERY_MINUTE.cron, "UTC", now))


class UnmanagedWorld(World):
    """Simulated time, in which a schedule of others has the job, and `two` may have it."""

    def __init__(self, folder: Path, rules: Rules, **more: object) -> None:
        super().__init__(folder, **more)  # type: ignore[arg-type]
        self.one.is_deployed = False
        self.old = SimulatedSchedule(self, rules)

    def pass_time(self) -> None:
        # It is deployed once the record says that it does not own the job.
        self.two.is_deployed = JOB in self.records.owners()
        looks = [self.old.look, self.two.look]
        self.chance.shuffle(looks)
        for look in looks:
            look()
        self.now += timedelta(seconds=2)

    def to_two(self, dies_at: int | None = None) -> Mover:
        records, old = self._mortal(dies_at)
        return TakeOver(
            records, old, self.two, (JOB,), self.margin, self.told.append, lambda: self.now, old=old
        )

    def to_old(self, dies_at: int | None = None) -> Mover:
        records, old = self._mortal(dies_at)
        return HandBack(
            records, self.two, old, (JOB,), self.margin, self.told.append, lambda: self.now, old=old
        )

    margin = timedelta(seconds=60)

    @property
    def told(self) -> list[str]:
        return self.__dict__.setdefault("_told", [])

    def built(self) -> list[datetime]:
        runs = [*self.old.started, *self.two.started]
        return [run.nominal_time for run in sorted(runs, key=lambda r: r.created_at)]  # type: ignore[misc]

    def overlaps(self) -> list[tuple[str, str]]:
        """Return the pairs of runs of different orchestrators that ran at one time."""
        return [
            (one.run_id, two.run_id)
            for one in self.old.started
            for two in self.two.started
            if one.created_at < _end(two) and two.created_at < _end(one)
        ]

    def expected(self) -> list[datetime]:
        last = max(self.built()) + INSTANT
        return ticks_between(EVERY_MINUTE.cron, "UTC", self.start, last)

    def _mortal(self, dies_at: int | None) -> tuple[MortalRecords, UnmanagedSide]:
        records = MortalRecords(self.two.artifacts, dies_at)

        self.old.on_request = records._live
        return records, UnmanagedSide(OLD, self.old)


def _end(run: RecordedRun) -> datetime:
    assert run.ended_at
    return run.ended_at


__all__ = ["JOB", "OLD", "Killed", "UnmanagedWorld"]
