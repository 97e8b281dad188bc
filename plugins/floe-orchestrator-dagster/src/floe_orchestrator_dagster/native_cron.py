"""Where Dagster's own reading of a cron expression is floe's, and what to give it where it is not.

The two agree on every expression of the dialect, apart from some around clock changes. So they are
compared there, at every change of the zone that a deployment is likely to live through.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from dagster._utils.schedules import schedule_execution_time_iterator

from floe_core.schedules import check_timezone, parse_cron, ticks_between

LOOK_BACK = timedelta(days=400)
LOOK_AHEAD = timedelta(days=5 * 366)
_WEEK = timedelta(days=7)
_MARGIN = timedelta(days=2)


def is_native(cron: str, timezone: str, today: datetime) -> bool:
    """Tell whether Dagster ticks as floe does around the zone's clock changes."""
    return all(
        ticks_between(cron, timezone, start, end) == _ticks_of_dagster(cron, timezone, start, end)
        for start, end in _spans_of_change(timezone, today)
    )


def utc_superset(cron: str, timezone: str, today: datetime) -> str:
    """Return a cron expression in UTC that names every tick, and perhaps other moments.

    It names a time of day for each offset that the zone has, on every day.
    """
    rule = parse_cron(cron)
    daily = f"{_listed(rule.minutes)} {_listed(rule.hours)} * * *"
    ticks = [
        tick
        for start, end in _spans_of_change(timezone, today)
        for tick in ticks_between(daily, timezone, start, end)
    ]
    minutes = _listed(sorted({tick.minute for tick in ticks}))
    return f"{minutes} {_listed(sorted({tick.hour for tick in ticks}))} * * *"


def _ticks_of_dagster(cron: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    ticks = schedule_execution_time_iterator(start.timestamp(), cron, zone)
    return [tick.astimezone(UTC) for tick in takewhile(lambda tick: tick < end, ticks)]


def _spans_of_change(timezone: str, today: datetime) -> list[tuple[datetime, datetime]]:
    """Return spans of some days, each around one change of the zone's offset."""
    zone = check_timezone(timezone)
    midnight = today.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moment, last = midnight - LOOK_BACK, midnight + LOOK_AHEAD
    spans = []
    while moment < last:
        following = moment + _WEEK
        if moment.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            spans.append((moment - _MARGIN, following + _MARGIN))
        moment = following
    return spans


def _listed(values: Iterable[int]) -> str:
    return ",".join(str(value) for value in values)
