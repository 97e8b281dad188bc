"""The ticks that passed while a job moved to this Airflow from another orchestrator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pendulum import instance

from floe_core.schedules.ownership import LONGEST_LATE
from floe_core.schemas.policies import Owner

if TYPE_CHECKING:
    from pendulum import DateTime

_MOMENT = timedelta(microseconds=1)


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
