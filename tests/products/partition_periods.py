"""The periods that partitions of a length have in UTC, by the arithmetic of dates alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

NUMBER = 8


class Period(NamedTuple):
    """A partition's key, and its times in UTC, the end exclusive."""

    key: str
    start: datetime
    end: datetime


class Length(NamedTuple):
    """How long partitions are: where the first starts, what follows a start, and their keys.

    `cron` ticks once in each period, `after` its start. `batch` is the length of dbt's batches.
    """

    first: datetime
    following: Callable[[datetime], datetime]
    key: str
    cron: str
    after: timedelta
    batch: str


def _month_after(moment: datetime) -> datetime:
    return (moment + timedelta(days=31)).replace(day=1)


LENGTHS = {
    "hour": Length(
        datetime(2026, 11, 1, tzinfo=UTC),
        lambda moment: moment + timedelta(hours=1),
        "%Y-%m-%d-%H:%M",
        "5 * * * *",
        timedelta(minutes=5),
        "hour",
    ),
    "day": Length(
        datetime(2026, 11, 1, tzinfo=UTC),
        lambda moment: moment + timedelta(days=1),
        "%Y-%m-%d",
        "0 6 * * *",
        timedelta(hours=6),
        "day",
    ),
    # A Monday. Its batches are finer.
    "week": Length(
        datetime(2026, 9, 7, tzinfo=UTC),
        lambda moment: moment + timedelta(days=7),
        "%Y-%m-%d",
        "0 6 * * 1",
        timedelta(hours=6),
        "day",
    ),
    "month": Length(
        datetime(2026, 1, 1, tzinfo=UTC),
        _month_after,
        "%Y-%m",
        "0 6 1 * *",
        timedelta(hours=6),
        "month",
    ),
}


def periods_of(by: str, number: int = NUMBER) -> list[Period]:
    """Return the first periods of a length."""
    length = LENGTHS[by]
    found, start = [], length.first
    for _ in range(number):
        end = length.following(start)
        found.append(Period(start.strftime(length.key), start, end))
        start = end
    return found


def tick_after(by: str, period: Period) -> datetime:
    """Return the first tick after a period is over."""
    return period.end + LENGTHS[by].after


def number_complete(by: str, moment: datetime) -> int:
    """Return how many periods are over at a time."""
    length, number = LENGTHS[by], 0
    end = length.following(length.first)
    while end <= moment:
        number, end = number + 1, length.following(end)
    return number
