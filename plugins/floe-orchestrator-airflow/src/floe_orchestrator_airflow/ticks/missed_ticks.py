"""Which missed ticks still run: the latest, and those that passed while a job moved here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pendulum import instance

from floe_core.schedules.ownership import LONGEST_LATE
from floe_core.schemas.policies import Owner
from floe_orchestrator_airflow.internals import (
    first_version_at,
    records,
    was_running,
    was_scheduler_up,
)

if TYPE_CHECKING:
    from pendulum import DateTime

_MOMENT = timedelta(microseconds=1)

# A scheduler that was up for this long after a tick has created its run. Longer than that takes, so
# that no tick is lost; short, so that past ticks do not run.
SEEN_WITHIN = timedelta(minutes=2)


def should_run(dag_id: str, tick: datetime, now: datetime, *, has_run: bool) -> bool:
    """Return whether a DAG should run for its latest tick, which it has not run for.

    It should if Airflow knew the DAG by then, and the tick is recent, or no scheduler was up, or
    another run of the DAG blocked it. Without a database, assume that the DAG was known if it ever
    ran on schedule, and that no scheduler was up.
    """
    is_fresh = tick > now - SEEN_WITHIN
    with records() as session:
        if not dag_id or session is None:
            return is_fresh or has_run
        first = first_version_at(session, dag_id)
        if not (has_run or (first is not None and first < tick)):
            return False
        end = tick + SEEN_WITHIN
        was_seen = was_scheduler_up(session, tick, end)
        return is_fresh or not was_seen or was_running(session, dag_id, tick, end)


def late_tick(
    owner: Owner, tick_from: Callable[[DateTime], DateTime], now: datetime, last: datetime | None
) -> DateTime | None:
    """Return the tick of the owner that is the next to run, late; None if there is none.

    `tick_from` returns the first tick that is not before a moment, and `last` is the tick of the
    last scheduled run. An owner that has run no tick since a move runs the first one, however late.
    """
    is_new = owner.epoch > 1 and (last is None or last < owner.first_tick)
    begin = owner.first_tick if is_new else owner.late_from or owner.first_tick
    first = max(begin, now - LONGEST_LATE)
    tick = tick_from(instance(first if last is None else max(first, last + _MOMENT)))
    until = now if is_new or owner.late_until is None else min(now, owner.late_until)
    return tick if tick <= until else None
