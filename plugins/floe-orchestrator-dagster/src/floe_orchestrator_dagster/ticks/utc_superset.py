"""Cron expressions in UTC for schedules whose zone Dagster does not handle as floe does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from floe_core.schedules import CronExpression, parse_cron, ticks_between
from floe_orchestrator_dagster.ticks.native_cron import LOOK_BACK, YEARS_AHEAD, spans_of_change

MOST_TIMES_OF_DAY = 24

TimeOfDay = tuple[int, int]


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
