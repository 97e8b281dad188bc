"""The periods that partitions of a length have in a zone, by the arithmetic of dates alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count, islice, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

NUMBER = 8


class Period(NamedTuple):
    """A partition's key, and its times in UTC, the end exclusive."""

    key: str
    start: datetime
    end: datetime


class Length(NamedTuple):
    """How long partitions are, and how their keys are written.

    `cron` ticks once in each period, `after` its start. `batch` is the length of dbt's batches.
    """

    key: str
    cron: str
    after: timedelta
    batch: str


def _month_after(day: date) -> date:
    return (day + timedelta(days=31)).replace(day=1)


LENGTHS = {
    "hour": Length("%Y-%m-%d-%H:%M", "5 * * * *", timedelta(minutes=5), "hour"),
    "day": Length("%Y-%m-%d", "0 6 * * *", timedelta(hours=6), "day"),
    # Its batches are finer.
    "week": Length("%Y-%m-%d", "0 6 * * 1", timedelta(hours=6), "day"),
    "month": Length("%Y-%m", "0 6 1 * *", timedelta(hours=6), "month"),
}
_DAY_AFTER: dict[str, Callable[[date], date]] = {
    "day": lambda day: day + timedelta(days=1),
    "week": lambda day: day + timedelta(days=7),
    "month": _month_after,
}


class Calendar(NamedTuple):
    """The length of periods, the day on which the first one starts, and their zone.

    In the zones that histories have, each day has a midnight.
    """

    by: str
    first: date
    zone: str = "UTC"

    @property
    def length(self) -> Length:
        return LENGTHS[self.by]

    def edges(self) -> Iterator[datetime]:
        """Yield the start of each period, in UTC, without an end."""
        if self.by == "hour":
            begin = self._midnight(self.first)
            yield from (begin + number * timedelta(hours=1) for number in count())
        day = self.first
        while True:
            yield self._midnight(day)
            day = _DAY_AFTER[self.by](day)

    def periods(self, number: int = NUMBER) -> list[Period]:
        """Return the first periods."""
        edges = [*islice(self.edges(), number + 1)]
        found: list[Period] = []
        for start, end in pairwise(edges):
            local = start.astimezone(ZoneInfo(self.zone))
            key = local.strftime(self.length.key)
            if key in {each.key for each in found}:
                # A clock that is set back shows an hour twice.
                key += local.strftime("%z")
            found.append(Period(key, start, end))
        return found

    def tick_in(self, start: datetime) -> datetime:
        """Return the tick in the period that starts at a time."""
        if self.by == "hour":
            return start + self.length.after
        zone = ZoneInfo(self.zone)
        wall = start.astimezone(zone).replace(tzinfo=None) + self.length.after
        return wall.replace(tzinfo=zone).astimezone(UTC)

    def number_begun(self, moment: datetime) -> int:
        """Return how many periods have begun at a time."""
        return next(number for number, edge in enumerate(self.edges()) if edge > moment)

    def _midnight(self, day: date) -> datetime:
        wall = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone))
        return wall.astimezone(UTC)
