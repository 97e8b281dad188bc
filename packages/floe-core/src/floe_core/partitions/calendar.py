"""The calendar of a product's partitions: keys, their periods, and those that a tick builds.

Everything here is a pure function of the declaration. Keys are written as Dagster writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from floe_core.schedules.ticks import change_between
from floe_core.schedules.zones import check_timezone
from floe_core.schemas.partitions import PartitionBy, Partitions

HOUR = timedelta(hours=1)
_FORMATS = {"hour": "%Y-%m-%d-%H:%M", "month": "%Y-%m"}
_DAY_FORMAT = "%Y-%m-%d"
_EXAMPLES = {
    "hour": "an hour is written 2026-11-03-05:00, and 2026-10-25-02:00+0100 if it comes twice",
    "day": "a day is written 2026-11-03",
    "week": "a week is written as its Monday, 2026-11-02",
    "month": "a month is written 2026-11",
}


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition, from `start` up to, not including, `end`; both aware UTC times."""

    key: str
    start: datetime
    end: datetime


def check_start(by: PartitionBy, start: str) -> date:
    """Return the day on which the first partition starts.

    Raises:
        ValueError: There is no such day, or no partition starts on it.
    """
    try:
        day = date.fromisoformat(start)
    except ValueError:
        raise ValueError(f"there is no day {start}") from None
    if not 1900 <= day.year <= 2200:
        raise ValueError(f"{start} is not a year from 1900 to 2200")
    if by == "week" and day.weekday():
        monday = day - timedelta(days=day.weekday())
        following = monday + timedelta(days=7)
        raise ValueError(
            f"{start} is a {day:%A}, and a week begins on Monday: {monday} or {following}"
        )
    if by == "month" and day.day != 1:
        raise ValueError(f"{start} is not the first day of a month")
    return day


def partition_at(declaration: Partitions, moment: datetime) -> Partition | None:
    """Return the partition that an aware time is in, None if it is before the first one."""
    calendar = _calendar(declaration)
    number = calendar.number_at(moment.astimezone(UTC))
    return calendar.partition(number) if number >= 0 else None


def partition_of_key(declaration: Partitions, key: str) -> Partition:
    """Return the partition of a key.

    Raises:
        ValueError: There is no such partition; the error says how keys are written, or what the
            first partition is.
    """
    calendar = _calendar(declaration)
    number = calendar.number_at(_moment_of(declaration, key, calendar.zone))
    if number < 0:
        raise ValueError(f"{key} is before the first partition, {calendar.partition(0).key}")
    found = calendar.partition(number)
    if found.key != key:
        raise ValueError(f"there is no partition {key}; {_EXAMPLES[declaration.by]}")
    return found


def partitions_between(
    declaration: Partitions, start: datetime, end: datetime
) -> tuple[Partition, ...]:
    """Return the partitions that start from `start` up to, not including, `end`, in order."""
    calendar = _calendar(declaration)
    first = calendar.number_at(start.astimezone(UTC))
    return tuple(
        found for found in calendar.partitions_from(max(first, 0), end) if found.start >= start
    )


def due_partitions(declaration: Partitions, moment: datetime) -> tuple[Partition, ...]:
    """Return all partitions that a run may build at an aware time, in order.

    Those are the ones that are over and, with `builds: current`, the one that the time is in.
    """
    is_current = declaration.builds == "current"
    begun = _calendar(declaration).partitions_from(0, moment + timedelta.resolution)
    return tuple(found for found in begun if is_current or found.end <= moment)


def partitions_of_tick(declaration: Partitions, tick: datetime) -> tuple[Partition, ...]:
    """Return the partitions that a tick builds, the oldest first.

    That is the last one that is over at the tick or, with `builds: current`, the one that the tick
    is in, and before it the `lookback` earlier ones, but none before the first partition.
    """
    calendar = _calendar(declaration)
    last = calendar.number_at(tick.astimezone(UTC)) - (declaration.builds == "previous")
    first = max(0, last - declaration.lookback)
    found = (calendar.partition(number) for number in range(first, last + 1))
    return tuple(each for each in found if each.start < each.end)


def first_partition(declaration: Partitions) -> Partition:
    """Return the first partition."""
    return _calendar(declaration).partition(0)


class _Calendar:
    """The edges of partitions, by number: partition n is from edge n to edge n + 1.

    Hours are elapsed time from the start, so that each has 60 minutes. Other edges are the first
    moment of a day. If a zone skips a whole day, the partition of that day is empty.
    """

    def __init__(self, by: PartitionBy, first: date, zone: ZoneInfo) -> None:
        self.zone = zone
        self._by = by
        self._first = first
        self._begin = first_moment_of(first, zone)
        self._format = _FORMATS.get(by, _DAY_FORMAT)

    def partition(self, number: int) -> Partition:
        return self._between(self._edge(number), self._edge(number + 1), number)

    def partitions_from(self, number: int, end: datetime) -> Iterator[Partition]:
        """Yield the partitions that start before `end`, without the empty ones."""
        edge = self._edge(number)
        while edge < end:
            following = self._edge(number + 1)
            if edge < following:
                yield self._between(edge, following, number)
            number, edge = number + 1, following

    def number_at(self, moment: datetime) -> int:
        """Return the number of the partition that a UTC time is in, negative before the first."""
        if self._by == "hour":
            return (moment - self._begin) // HOUR
        day = moment.astimezone(self.zone).date()
        number = self._number_of_day(day)
        # A clock set back past midnight repeats part of the day before.
        while number >= -1 and moment >= self._edge(number + 1):
            number += 1
        return number

    def _number_of_day(self, day: date) -> int:
        first = self._first
        if self._by == "month":
            return (day.year - first.year) * 12 + day.month - first.month
        return (day - first).days // (7 if self._by == "week" else 1)

    def _edge(self, number: int) -> datetime:
        if self._by == "hour":
            return self._begin + number * HOUR
        return first_moment_of(self._day(number), self.zone)

    def _day(self, number: int) -> date:
        if self._by == "month":
            years, month = divmod(self._first.month - 1 + number, 12)
            return date(self._first.year + years, month + 1, 1)
        return self._first + timedelta(days=number * (7 if self._by == "week" else 1))

    def _between(self, start: datetime, end: datetime, number: int) -> Partition:
        if self._by != "hour":
            return Partition(self._day(number).strftime(self._format), start, end)
        local = start.astimezone(self.zone)
        return Partition(local.strftime(self._format + ("%z" if local.fold else "")), start, end)


def _calendar(declaration: Partitions) -> _Calendar:
    return _calendar_of(declaration.by, declaration.start, declaration.timezone)


@lru_cache(maxsize=64)
def _calendar_of(by: PartitionBy, start: str, timezone: str) -> _Calendar:
    return _Calendar(by, check_start(by, start), check_timezone(timezone))


def first_moment_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a day in a zone, in UTC; of a day that is skipped, the next one's.

    >>> first_moment_of(date(2026, 9, 6), ZoneInfo("America/Santiago")).isoformat()
    '2026-09-06T04:00:00+00:00'
    """
    wall = datetime(day.year, day.month, day.day)
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    # Midnight is in a gap of the clock, and the day begins where the gap does.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    at = change_between(zone, before.replace(tzinfo=None), moment.replace(tzinfo=None))
    return at.replace(tzinfo=UTC)


def _moment_of(declaration: Partitions, key: str, zone: ZoneInfo) -> datetime:
    """Return the time at which a key says that its partition starts, in UTC.

    Raises:
        ValueError: The key is not written as one.
    """
    pattern = _FORMATS.get(declaration.by, _DAY_FORMAT)
    for form in (pattern, f"{pattern}%z") if declaration.by == "hour" else (pattern,):
        try:
            wall = datetime.strptime(key, form)
        except ValueError:
            continue
        if declaration.by != "hour":
            return first_moment_of(wall.date(), zone)
        return (wall if wall.tzinfo else wall.replace(tzinfo=zone)).astimezone(UTC)
    raise ValueError(f"{key[:80]!r} is no partition: {_EXAMPLES[declaration.by]}")
