"""A parsed cron expression."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache


@dataclass(frozen=True)
class CronExpression:
    """The values that each field of an expression allows, sorted; Sunday is 0.

    Two are equal if their texts are. `either_day` means that a day matches if its day of month or
    its day of week does; otherwise both must match.
    """

    text: str
    minutes: tuple[int, ...] = field(compare=False, repr=False)
    hours: tuple[int, ...] = field(compare=False, repr=False)
    days: frozenset[int] = field(compare=False, repr=False)
    months: frozenset[int] = field(compare=False, repr=False)
    weekdays: frozenset[int] = field(compare=False, repr=False)
    either_day: bool = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.text

    @property
    def covers_every_hour(self) -> bool:
        """Whether the hour field allows all 24 hours, so that ticks follow elapsed time."""
        return len(self.hours) == 24

    @cached_property
    def minutes_of_day(self) -> tuple[int, ...]:
        """Minutes since midnight of every wall time on a matching day, sorted."""
        return tuple(60 * hour + minute for hour in self.hours for minute in self.minutes)

    def matches(self, day: date) -> bool:
        """Return whether a calendar day matches."""
        return day.day in days_of_month(self, day.year, day.month)

    def _matches_day(self, day: int, weekday: int) -> bool:
        if self.either_day:
            return day in self.days or weekday in self.weekdays
        return day in self.days and weekday in self.weekdays


@lru_cache(maxsize=1024)
def days_of_month(cron: CronExpression, year: int, month: int) -> tuple[int, ...]:
    """Return the days of a month that match, sorted."""
    if month not in cron.months:
        return ()
    monday_based, length = monthrange(year, month)
    first_weekday = monday_based + 1
    return tuple(
        day for day in range(1, length + 1) if cron._matches_day(day, (first_weekday + day - 1) % 7)
    )
