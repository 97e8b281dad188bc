"""The ticks of a schedule as Airflow itself computes them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from airflow.timetables.base import DataInterval, TimeRestriction
from pendulum import instance

from floe_core.schemas.policies import Schedule
from floe_orchestrator_airflow.internals import as_stored
from floe_orchestrator_airflow.ticks.timetable import FloeTimetable


def airflow_ticks(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the moments of the runs that Airflow would create. See `TickReporter`.

    The timetable goes through Airflow's serialisation, as it does on its way to the scheduler, and
    is queried for one run after another, as the scheduler does.
    """
    timetable = as_stored(FloeTimetable(schedule.cron, schedule.timezone))
    within = TimeRestriction(earliest=instance(start), latest=instance(end), catchup=True)
    last: DataInterval | None = None
    while info := timetable.next_dagrun_info(last_automated_data_interval=last, restriction=within):
        if info.run_after >= end:
            return
        yield datetime.fromtimestamp(info.run_after.timestamp(), UTC)
        last = info.data_interval
