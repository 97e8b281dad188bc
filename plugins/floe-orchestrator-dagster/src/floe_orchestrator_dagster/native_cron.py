"""Where Dagster's own reading of a cron expression is floe's, and what to give it where it is not.

The two agree on every expression of the dialect, apart from some around clock changes. So they are
compared there, at every change of the zone that a deployment is likely to live through.

Elsewhere Dagster gets more moments than there are ticks, and what is none is skipped. Where single
days are all that Dagster misses, their moments are added to the expression; so the next tick that
its pages show is the true one, apart from those days. Else it gets times of day in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import takewhile

from dagster._check import CheckError
from dagster._utils.schedules import schedule_execution_time_iterator

from floe_core.schedules import check_timezone, parse_cron, ticks_between
from floe_core.schedules.clock_changes import clock_changes

LOOK_BACK = timedelta(days=400)
LOOK_AHEAD = timedelta(days=5 * 366)
MOST_ADDED = 40
_MARGIN = timedelta(days=3)


def is_native(cron: str, timezone: str, today: datetime) -> bool:
    """Tell whether Dagster ticks as floe does around the zone's clock changes."""
    return all(
        ticks_between(cron, timezone, start, end) == _ticks_of_dagster(cron, timezone, start, end)
        for start, end in _spans_of_change(timezone, today.date())
    )


def local_superset(cron: str, timezone: str, today: datetime) -> list[str] | None:
    """Return expressions in the zone that together name every tick, the given one first.

    None where that takes many, or where Dagster cannot read the days of a change at all.
    """
    zone = check_timezone(timezone)
    added: set[str] = set()
    for start, end in _spans_of_change(timezone, today.date()):
        of_dagster = _ticks_of_dagster(cron, timezone, start, end)
        if of_dagster is None:
            return None
        for tick in set(ticks_between(cron, timezone, start, end)) - set(of_dagster):
            local = tick.astimezone(zone)
            added.add(f"{local.minute} {local.hour} {local.day} {local.month} *")
    together = [cron, *sorted(added)]
    fits = len(added) <= MOST_ADDED and _names_all(together, cron, timezone, today)
    return together if fits else None


def _names_all(crons: list[str], cron: str, timezone: str, today: datetime) -> bool:
    for start, end in _spans_of_change(timezone, today.date()):
        named = _ticks_of_dagster(crons, timezone, start, end)
        if named is None or not set(ticks_between(cron, timezone, start, end)) <= set(named):
            return False
    return True


def utc_superset(cron: str, timezone: str, today: datetime) -> str:
    """Return a cron expression in UTC that names every tick, and perhaps other moments.

    It names a time of day for each offset that the zone has, on every day.
    """
    rule = parse_cron(cron)
    daily = f"{_listed(rule.minutes)} {_listed(rule.hours)} * * *"
    ticks = [
        tick
        for start, end in _spans_of_change(timezone, today.date())
        for tick in ticks_between(daily, timezone, start, end)
    ]
    minutes = _listed(sorted({tick.minute for tick in ticks}))
    return f"{minutes} {_listed(sorted({tick.hour for tick in ticks}))} * * *"


def _ticks_of_dagster(
    cron: str | list[str], zone: str, start: datetime, end: datetime
) -> list[datetime] | None:
    """Return what Dagster makes of it; None where it raises, as it does at some odd gaps."""
    ticks = schedule_execution_time_iterator(start.timestamp(), cron, zone)
    try:
        return [tick.astimezone(UTC) for tick in takewhile(lambda tick: tick < end, ticks)]
    except CheckError:
        return None


@lru_cache(maxsize=64)
def _spans_of_change(timezone: str, today: date) -> tuple[tuple[datetime, datetime], ...]:
    """Return spans of some days, each around one change of the zone's clock."""
    midnight = datetime(today.year, today.month, today.day, tzinfo=UTC)
    changes = clock_changes(check_timezone(timezone), midnight - LOOK_BACK, midnight + LOOK_AHEAD)
    return tuple((change.at - _MARGIN, change.at + _MARGIN) for change in changes)


def _listed(values: Iterable[int]) -> str:
    return ",".join(str(value) for value in values)
