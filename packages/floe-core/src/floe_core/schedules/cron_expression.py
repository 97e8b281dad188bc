"""A parsed cron expression, its five fields, and how to parse one field."""

from __future__ import annotations

import re
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


_NUMBER = re.compile(r"[0-9]{1,2}", re.ASCII)
_LONG_NUMBER = re.compile(r"[0-9]{3,}", re.ASCII)
_EXTENDED = re.compile(r"[0-9A-Z()-]*[LW#?HR~][0-9L()-]*", re.ASCII | re.IGNORECASE)
_EXTENSIONS = {
    "L": "'L' (last) is not understood everywhere; write numbers",
    "W": "'W' (nearest weekday) is not understood everywhere; write numbers",
    "#": "'#' (nth weekday) is not understood everywhere; write numbers",
    "?": "'?' is not understood everywhere; write *",
    "H": "'H' (hashed) names no moment; write numbers",
    "R": "'R' (random) names no moment; write numbers",
    "~": "'~' (random) names no moment; write numbers",
}


@dataclass(frozen=True)
class CronField:
    """One field of an expression: its bounds and its three-letter names.

    `last` is the last value of a full cycle; `high` the highest that may be written.
    """

    title: str
    low: int
    high: int
    last: int
    names: tuple[str, ...] = ()

    def read(self, text: str) -> frozenset[int]:
        """Return the values that the text allows, Sunday as 0.

        Raises:
            ValueError: The text can't be parsed or is ambiguous; the error says what to write.
        """
        items = text.split(",")
        if "" in items:
            raise self._wrong(text, "has an empty place in its list; write numbers between commas")
        if len(items) > 1 and any(item.startswith("*") for item in items):
            raise self._wrong(text, "has '*' inside a list; write '*' alone or the numbers meant")
        return frozenset(value for item in items for value in self._read_item(item))

    @property
    def everything(self) -> frozenset[int]:
        """All the values of a full cycle."""
        return frozenset(range(self.low, self.last + 1))

    def _read_item(self, item: str) -> list[int]:
        span, slash, step_text = item.partition("/")
        start, dash, end = span.partition("-")
        if span == "*":
            low, high = self.low, self.last
        elif dash:
            low, high = self._number(start, item), self._number(end, item)
        elif slash:
            raise self._open_step(item, self._number(span, item), step_text)
        else:
            return [self._wrap_around(self._number(span, item))]
        step = self._step(step_text, item) if slash else 1
        self._check_span(item, low, high, step)
        return [self._wrap_around(value) for value in range(low, high + 1, step)]

    def _number(self, text: str, item: str) -> int:
        if text.upper() in self.names:
            return self.names.index(text.upper()) + self.low
        if not _NUMBER.fullmatch(text):
            raise self._wrong(item, self._why_no_number(text))
        value = int(text)
        if not self.low <= value <= self.high:
            raise self._wrong(
                item, f"is out of range; write a number from {self.low} to {self.high}"
            )
        return value

    def _why_no_number(self, text: str) -> str:
        if _LONG_NUMBER.fullmatch(text):
            return "has more than two digits; write at most two"
        if self.names and text[:3].upper() in self.names and text.isalpha():
            return f"spells a name out; write {text[:3].upper()}"
        if _EXTENDED.fullmatch(text):
            sign = next(sign for sign in _EXTENSIONS if sign in text.upper())
            return f"cannot be used: {_EXTENSIONS[sign]}"
        names = f" or one of {', '.join(self.names)}" if self.names else ""
        return f"cannot be read; write a number from {self.low} to {self.high}{names}"

    def _step(self, text: str, item: str) -> int:
        if not _NUMBER.fullmatch(text):
            raise self._wrong(item, "has no number after its '/'; write a step such as */2")
        if int(text) == 0:
            raise self._wrong(item, "has a step of 0; leave the step out")
        return int(text)

    def _check_span(self, item: str, low: int, high: int, step: int) -> None:
        if low > high:
            raise self._wrong(
                item, f"runs backwards; write {self._split_backward(low, high, step)}"
            )
        if low == high:
            raise self._wrong(item, f"is a range of one; write {low}")
        if step > high - low:
            raise self._wrong(item, f"has a step wider than its range; write {low}")

    def _open_step(self, item: str, start: int, step_text: str) -> ValueError:
        """Return the error for `N/step`: some schedulers read it as N, others as N-last/step."""
        step = self._step(step_text, item)
        if start + step > self.last:
            return self._wrong(item, f"is read in two ways; write {start}")
        meant = f"{start}-{self.last}" + (f"/{step}" if step > 1 else "")
        return self._wrong(item, f"is read in two ways; write {meant} or {start}")

    def _split_backward(self, low: int, high: int, step: int) -> str:
        """Return a backward range as forward ones, or as a list when it has a step."""
        if step > 1:
            turn = self.last - self.low + 1
            values = range(low, high + turn + 1, step)
            return ",".join(str((value - self.low) % turn + self.low) for value in values)
        if self.names and self.last == 6 and high == 0:
            return f"{low}-7"
        parts = [(low, self.last), (self.low, high)]
        return ",".join(str(a) if a >= b else f"{a}-{b}" for a, b in parts)

    def _wrap_around(self, value: int) -> int:
        return self.low if value > self.last else value

    def _wrong(self, text: str, reason: str) -> ValueError:
        return ValueError(f"{self.title} '{text}' {reason}")


_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

MINUTE = CronField("minute", 0, 59, 59)
HOUR = CronField("hour", 0, 23, 23)
DAY_OF_MONTH = CronField("day of month", 1, 31, 31)
MONTH = CronField("month", 1, 12, 12, _MONTHS)
DAY_OF_WEEK = CronField("day of week", 0, 7, 6, _DAYS)
FIELDS = (MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK)
