"""Compares Dagster's reading of a cron expression with floe's, and adapts it if they differ.

The two agree on every expression that floe accepts, except for some around clock changes. So they
are compared there, at every change of the zone's clock during the likely life of a deployment.

If they differ, Dagster gets more moments than there are ticks, and a moment that is not a tick is
skipped. If Dagster misses only single days, their moments are added to the expression; the next
tick that Dagster's UI shows is then correct, except on those days. Otherwise Dagster gets moments
in UTC: see `utc_superset`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise, takewhile

from floe_core.schedules import CronExpression, check_timezone, parse_cron, ticks_between
from floe_core.schedules.clock_changes import clock_changes
from floe_orchestrator_dagster.internals import NoMomentsError, moments_of

MOST_TIMES_OF_DAY = 24

TimeOfDay = tuple[int, int]

# From the year of the load, so that the expressions given to Dagster do not change from day to day.
LOOK_BACK = timedelta(days=60)
YEARS_AHEAD = 5
MOST_ADDED = 40
_MARGIN = timedelta(hours=36)


def is_native(cron: str, timezone: str, year: int) -> bool:
    """Return whether Dagster has the same ticks as floe around the zone's clock changes."""
    return all(
        ticks_between(cron, timezone, start, end) == _ticks_of_dagster(cron, timezone, start, end)
        for start, end in spans_of_change(timezone, year)
    )


def local_superset(cron: str, timezone: str, year: int) -> list[str] | None:
    """Return expressions in the zone that together cover every tick, the given one first.

    None if that takes many, or if Dagster cannot handle the days of a change at all.
    """
    zone = check_timezone(timezone)
    added: set[str] = set()
    for start, end in spans_of_change(timezone, year):
        of_dagster = _ticks_of_dagster(cron, timezone, start, end)
        if of_dagster is None:
            return None
        for tick in set(ticks_between(cron, timezone, start, end)) - set(of_dagster):
            local = tick.astimezone(zone)
            added.add(f"{local.minute} {local.hour} {local.day} {local.month} *")
    together = [cron, *sorted(added)]
    fits = len(added) <= MOST_ADDED and _names_all(together, cron, timezone, year)
    return together if fits else None


def _names_all(crons: list[str], cron: str, timezone: str, year: int) -> bool:
    for start, end in spans_of_change(timezone, year):
        named = _ticks_of_dagster(crons, timezone, start, end)
        if named is None or not set(ticks_between(cron, timezone, start, end)) <= set(named):
            return False
    return True


def _ticks_of_dagster(
    cron: str | list[str], zone: str, start: datetime, end: datetime
) -> list[datetime] | None:
    """Return Dagster's ticks; None if it raises or goes back in time, as at some unusual gaps."""
    moments = takewhile(lambda moment: moment < end, moments_of(cron, zone, start))
    try:
        named = [moment.astimezone(UTC) for moment in moments]
    except NoMomentsError:
        return None
    return named if all(one < other for one, other in pairwise(named)) else None


@lru_cache(maxsize=64)
def spans_of_change(timezone: str, year: int) -> tuple[tuple[datetime, datetime], ...]:
    """Return spans of a few days, each around one change of the zone's clock."""
    start = datetime(year, 1, 1, tzinfo=UTC) - LOOK_BACK
    end = datetime(year + YEARS_AHEAD, 1, 1, tzinfo=UTC)
    changes = clock_changes(check_timezone(timezone), start, end)
    return tuple((change.at - _MARGIN, change.at + _MARGIN) for change in changes)


def utc_superset(cron: str, timezone: str, year: int) -> list[str]:
    """Return cron expressions in UTC that cover every tick, and perhaps other moments.

    There is one for each time of day in UTC that has a tick, limited to the months and days with
    one. Outside the months of a clock change there are few other moments.
    """
    rule = parse_cron(cron)
    if rule.covers_every_hour or len(rule.minutes_of_day) > MOST_TIMES_OF_DAY:
        return [_by_hours_and_minutes(rule, timezone, year)]
    start = datetime(year, 1, 1, tzinfo=UTC) - LOOK_BACK
    end = datetime(year + YEARS_AHEAD, 1, 1, tzinfo=UTC)
    at: dict[TimeOfDay, list[datetime]] = defaultdict(list)
    for tick in ticks_between(cron, timezone, start, end):
        at[tick.hour, tick.minute].append(tick)
    return [_expression_for(time, ticks) for time, ticks in sorted(at.items())]


def _expression_for(time: TimeOfDay, ticks: list[datetime]) -> str:
    """Return an expression that covers these ticks, all at the same time of day.

    It restricts either the days of the month or the weekdays: cron combines both with "or".
    """
    hour, minute = time
    weekdays = {tick.isoweekday() % 7 for tick in ticks}
    days = {tick.day for tick in ticks}
    by_weekday = len(weekdays) < 7
    return " ".join(
        [
            f"{minute} {hour}",
            _join_values(days) if not by_weekday and len(days) < 31 else "*",
            _join_values({tick.month for tick in ticks}),
            _join_values(weekdays) if by_weekday else "*",
        ]
    )


def _by_hours_and_minutes(rule: CronExpression, timezone: str, year: int) -> str:
    """Return an expression with every UTC hour and minute that the rule has under any offset."""
    daily = f"{_join_values(rule.minutes)} {_join_values(rule.hours)} * * *"
    ticks = [
        tick
        for start, end in spans_of_change(timezone, year)
        for tick in ticks_between(daily, timezone, start, end)
    ]
    minutes, hours = {tick.minute for tick in ticks}, {tick.hour for tick in ticks}
    return f"{_join_values(minutes)} {_join_values(hours)} * * *"


def _join_values(values: Iterable[int]) -> str:
    return ",".join(str(value) for value in sorted(values))
