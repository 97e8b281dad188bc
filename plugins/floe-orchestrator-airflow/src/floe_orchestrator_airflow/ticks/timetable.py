"""The timetable of a floe schedule: Airflow's interface, with every tick from floe's engine."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from airflow.timetables.trigger import CronTriggerTimetable
from pendulum import UTC, instance
from pendulum import now as current_time

from floe_core.partitions.calendar import partitions_of_tick
from floe_core.schedules import check_timezone, latest_tick, next_tick, parse_cron
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.policies import Owner
from floe_orchestrator_airflow.internals import has_partition_keys
from floe_orchestrator_airflow.names.airflow_names import owned_run_id
from floe_orchestrator_airflow.ticks.missed_ticks import SEEN_WITHIN, late_tick, should_run

if TYPE_CHECKING:
    from pendulum import DateTime

_SHORTEST = timedelta(microseconds=1)
# The calendar does not need them, and Airflow stores a timetable with each version of a DAG.
_NODES = {"node_ids", "microbatch", "vars"}
_DESCRIBED_AS = {"@midnight": "@daily", "@annually": "@yearly"}


class FloeTimetable(Timetable):
    """Ticks of a cron expression of floe's dialect in an IANA zone; each run is for one instant.

    Without catch-up, the latest tick missed while no scheduler was up still runs, once. Ticks that
    passed while a scheduler was up do not: the DAG was paused then, or did not exist yet. So
    unpausing, a first deployment or a new schedule runs no past tick, except one of the last two
    minutes. With `every`, each tick since the last scheduled run has a run, in order, as with
    Airflow's own catch-up, but for that a DAG needs a start date. `dag_id` is for looking up what
    passed in Airflow's own records; nothing before `since` is a tick, except in a backfill.

    With `partitions`, each run has the key of the newest partition that its tick builds. The run
    keeps its logical date, which a timetable that Airflow calls `partitioned` takes away; Airflow
    accepts a key of a run by hand if the timetable leaves partitions to the run.

    `owner` is this Airflow's record of a job that several orchestrators have: see `late_tick`. No
    run is before its `first_tick` or from its `until` on, and each run claims its tick.
    """

    def __init__(
        self,
        cron: str,
        timezone: str,
        dag_id: str = "",
        since: datetime | None = None,
        *,
        every: bool = False,
        partitions: Partitions | None = None,
        owner: Owner | None = None,
    ) -> None:
        self.cron = cron
        self.zone_name = timezone
        self.dag_id = dag_id
        self.since = since
        self.every = every
        self.partitions = partitions
        self.owner = owner
        self.partitioned_at_runtime = partitions is not None
        first = owner and owner.first_tick - _SHORTEST
        self._begin = max((each for each in (since, first) if each), default=None)
        self._rule = parse_cron(cron)
        self._zone = check_timezone(timezone)
        self.description = f"{_in_words(cron, timezone)} ({timezone})"

    @property
    def summary(self) -> str:
        """The text in the DAG list: the expression and its zone."""
        return f"{self.cron} {self.zone_name}"

    def serialize(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        since = self.since and self.since.isoformat()
        partitions = self.partitions and self.partitions.model_dump(mode="json", exclude=_NODES)
        known = {
            "dag_id": self.dag_id,
            "since": since,
            "every": self.every,
            "partitions": partitions,
            "owner": self.owner and self.owner.model_dump(mode="json", exclude_defaults=True),
        }
        given = {name: value for name, value in known.items() if value}
        return {"cron": self.cron, "timezone": self.zone_name, **given}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> FloeTimetable:
        """Return what was serialised."""
        since, partitions, owner = (data.get(name) for name in ("since", "partitions", "owner"))
        return cls(
            data["cron"],
            data["timezone"],
            data.get("dag_id", ""),
            datetime.fromisoformat(since) if since else None,
            every=data.get("every", False),
            partitions=Partitions.model_validate(partitions) if partitions else None,
            owner=Owner.model_validate(owner) if owner else None,
        )

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """Return the instant of a run that is started by hand."""
        return DataInterval.exact(run_after)

    def generate_run_id(
        self,
        *,
        run_type: Any,
        run_after: DateTime,
        data_interval: DataInterval | None,
        **extra: Any,
    ) -> str:
        """Return a run's id; that of a tick of an owner says that the run has to claim it."""
        name = super().generate_run_id(
            run_type=run_type, run_after=run_after, data_interval=data_interval, **extra
        )
        is_owned = self.owner is not None and run_type == "scheduled"
        return owned_run_id(name, self.owner.epoch) if self.owner and is_owned else name

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
    ) -> DagRunInfo | None:
        """Return the next run, or None if the DAG ends before it."""
        last = None if last_automated_data_interval is None else last_automated_data_interval.end
        tick = self.next_run(current_time(UTC), last, restriction)
        if restriction.latest is not None and tick > restriction.latest:
            return None
        if self.owner and self.owner.until and tick >= self.owner.until:
            return None
        return self._run_at(tick)

    def _run_at(self, tick: DateTime) -> DagRunInfo:
        # Times of pendulum cannot be divided into hours.
        moment = datetime.fromtimestamp(tick.timestamp(), UTC)
        found = partitions_of_tick(self.partitions, moment) if self.partitions else ()
        if not found or not has_partition_keys():
            return DagRunInfo.exact(tick)
        newest = found[-1]
        return DagRunInfo(
            run_after=tick,
            data_interval=DataInterval.exact(tick),
            partition_date=instance(newest.start),
            partition_key=newest.key,
        )

    def next_run(
        self, now: DateTime, last: DateTime | None, restriction: TimeRestriction
    ) -> DateTime:
        """Return the tick of the next run, at a moment and after the last scheduled run."""
        earliest, latest = restriction.earliest, restriction.latest
        # Airflow backfills the past only; a DAG with catch-up has no end there.
        is_backfill = restriction.catchup and latest is not None and latest <= now
        if is_backfill and earliest is not None:
            return self._tick_after(last or earliest - _SHORTEST)
        if self.owner and (late := late_tick(self.owner, self._from, now, last)):
            return late
        if restriction.catchup:
            if last is None and earliest is not None:
                return self._from(earliest)
            return self._after(last or now - SEEN_WITHIN)
        if self.every and last is not None:
            return self._after(last)
        tick = self._due(now, last) or self._after(max(now, last or now))
        return tick if earliest is None else max(tick, self._from(earliest))

    def _due(self, now: DateTime, last: DateTime | None) -> DateTime | None:
        """Return the latest tick, if it should have a run but has none.

        While the job moves away, that is the last one before the ticks of the next owner.
        """
        until = self.owner.until - _SHORTEST if self.owner and self.owner.until else now
        tick = instance(latest_tick(self._rule, self._zone, min(now, until)))
        is_old_news = last is not None and tick <= last
        is_before_it_was_set = self._begin is not None and tick < self._begin
        if is_old_news or is_before_it_was_set:
            return None
        return tick if should_run(self.dag_id, tick, now, has_run=last is not None) else None

    def _after(self, moment: DateTime) -> DateTime:
        return self._tick_after(moment if self._begin is None else max(moment, self._begin))

    def _from(self, moment: DateTime) -> DateTime:
        return self._after(moment - _SHORTEST)

    def _tick_after(self, moment: datetime) -> DateTime:
        return instance(next_tick(self._rule, self._zone, moment))


def _in_words(cron: str, timezone: str) -> str:
    """Return Airflow's own description of a cron expression."""
    described = CronTriggerTimetable(_DESCRIBED_AS.get(cron, cron), timezone=timezone).description
    return described or cron
