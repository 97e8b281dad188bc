"""The timetable of a floe schedule: Airflow's cron trigger, with every tick from floe's engine."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable
from pendulum import UTC, instance
from pendulum import now as current_time

from floe_core.schedules import check_timezone, latest_tick, next_tick, parse_cron

if TYPE_CHECKING:
    from pendulum import DateTime

# How late the very first run of a DAG may begin after its tick. Longer than the scheduler takes to
# notice a tick, so that none is lost; short, so that a new or newly unpaused DAG does not run what
# lies behind it.
FIRST_RUN_GRACE = timedelta(minutes=2)

_DESCRIBED_AS = {"@midnight": "@daily", "@annually": "@yearly"}


class FloeTimetable(CronTriggerTimetable):
    """Ticks of a cron expression of floe's dialect in an IANA zone; each run is for one instant.

    Without catch-up, a DAG that has run before makes up for an outage with the latest tick it
    missed, once. A DAG that never ran on schedule waits for the next tick to come: nothing tells a
    first deployment from an outage but the absence of an earlier scheduled run.
    """

    def __init__(self, cron: str, timezone: str) -> None:
        super().__init__(_DESCRIBED_AS.get(cron, cron), timezone=timezone)
        self.cron = cron
        self.zone_name = timezone
        self._rule = parse_cron(cron)
        self._zone = check_timezone(timezone)
        self.description = f"{self.description or cron} ({timezone})"

    @property
    def summary(self) -> str:
        """What the DAG list shows: the expression and its zone."""
        return f"{self.cron} {self.zone_name}"

    def serialize(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"cron": self.cron, "timezone": self.zone_name}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> FloeTimetable:
        """Return what was serialised."""
        return cls(data["cron"], data["timezone"])

    def validate(self) -> None:
        """Do nothing: the constructor refuses what is no schedule."""

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
    ) -> DagRunInfo | None:
        """Return the run that comes next, or None when the DAG ends before it."""
        last = None if last_automated_data_interval is None else last_automated_data_interval.end
        tick = self.next_run(current_time(UTC), last, restriction)
        if restriction.latest is not None and tick > restriction.latest:
            return None
        return DagRunInfo.exact(tick)

    def next_run(
        self, now: DateTime, last: DateTime | None, restriction: TimeRestriction
    ) -> DateTime:
        """Return the tick of the next run, at a moment and after the last scheduled run."""
        unseen = self._first_run(now) if last is None else self._get_next(last)
        if restriction.catchup:
            if last is None and restriction.earliest is not None:
                return self._align_to_next(restriction.earliest)
            return unseen
        candidates = [unseen]
        if last is not None:
            candidates.append(self._align_to_prev(now))
        if restriction.earliest is not None:
            candidates.append(self._align_to_next(restriction.earliest))
        return max(candidates)

    def _first_run(self, now: DateTime) -> DateTime:
        latest = self._align_to_prev(now)
        return latest if now - latest <= FIRST_RUN_GRACE else self._get_next(now)

    def _calc_first_run(self) -> DateTime:
        return self._first_run(current_time(UTC))

    def _get_next(self, current: DateTime) -> DateTime:
        return instance(next_tick(self._rule, self._zone, current))

    def _get_prev(self, current: DateTime) -> DateTime:
        return self._at_or_before(current - timedelta(microseconds=1))

    def _align_to_next(self, current: DateTime) -> DateTime:
        return self._get_next(current - timedelta(microseconds=1))

    def _align_to_prev(self, current: DateTime) -> DateTime:
        return self._at_or_before(current)

    def _at_or_before(self, moment: datetime) -> DateTime:
        return instance(latest_tick(self._rule, self._zone, moment))
