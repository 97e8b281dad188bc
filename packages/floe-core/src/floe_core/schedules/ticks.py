"""Compute ticks of a schedule: those of a day, the next, the latest, or those in a time range."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from floe_core.schedules.cron_expression import CronExpression, days_of_month
from floe_core.schedules.dialect import parse_cron
from floe_core.schedules.zones import check_timezone

LONGEST_BRIDGED_GAP = timedelta(hours=3)
_WORTH_ASKING = 30


@lru_cache(maxsize=512)
def ticks_of_day(cron: CronExpression, zone: ZoneInfo, day: date) -> tuple[datetime, ...]:
    """Return the ticks whose wall time is on this day, in UTC, sorted, each once.

    Where the clock changes: an expression that covers every hour ticks whenever the clock shows a
    matching time. Any other ticks once for each wall time: at the second of two occurrences, and
    for times that a gap of up to 3 hours skips once, at the first moment after the gap.
    """
    if not cron.matches(day):
        return ()
    midnight = datetime(day.year, day.month, day.day)
    if len(cron.minutes_of_day) >= _WORTH_ASKING and _is_quiet(zone, midnight):
        start = (midnight - _offset(zone, midnight, 0)).replace(tzinfo=UTC)
        return tuple(start + timedelta(minutes=minute) for minute in cron.minutes_of_day)
    choose = _every_occurrence if cron.covers_every_hour else _one_occurrence
    walls = (midnight + timedelta(minutes=minute) for minute in cron.minutes_of_day)
    return tuple(sorted({moment for wall in walls for moment in choose(zone, wall)}))


def _is_quiet(zone: ZoneInfo, midnight: datetime) -> bool:
    """Return whether the clock does not change on that day, checking every hour in both folds.

    This costs as much as converting 30 wall times one by one.
    """
    offset = _offset(zone, midnight, 0)
    return all(
        _offset(zone, midnight + timedelta(hours=hour), fold) == offset
        for hour in range(25)
        for fold in (0, 1)
    )


def _every_occurrence(zone: ZoneInfo, wall: datetime) -> Iterator[datetime]:
    before, after = _offset(zone, wall, 0), _offset(zone, wall, 1)
    if before >= after:
        yield (wall - before).replace(tzinfo=UTC)
        yield (wall - after).replace(tzinfo=UTC)


def _one_occurrence(zone: ZoneInfo, wall: datetime) -> Iterator[datetime]:
    before, after = _offset(zone, wall, 0), _offset(zone, wall, 1)
    if before >= after:
        yield (wall - after).replace(tzinfo=UTC)
    elif after - before <= LONGEST_BRIDGED_GAP:
        yield change_between(zone, (wall - after), (wall - before)).replace(tzinfo=UTC)


def change_between(zone: ZoneInfo, early: datetime, late: datetime) -> datetime:
    """Return the moment, to the second, at which the zone's offset changes. All are naive UTC."""
    offset_before = _offset_at(zone, early)
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=int((late - early).total_seconds()) // 2)
        if _offset_at(zone, middle) == offset_before:
            early = middle
        else:
            late = middle
    return late


def _offset(zone: ZoneInfo, wall: datetime, fold: int) -> timedelta:
    """Return the offset of a wall time. In a gap, fold 0 gives the one before it, 1 after it."""
    offset = wall.replace(tzinfo=zone, fold=fold).utcoffset()
    assert offset is not None  # ZoneInfo always has one
    return offset


def _offset_at(zone: ZoneInfo, moment: datetime) -> timedelta:
    offset = moment.replace(tzinfo=UTC).astimezone(zone).utcoffset()
    assert offset is not None  # ZoneInfo always has one
    return offset


_DAY = timedelta(days=1)


def next_tick(cron: str | CronExpression, timezone: str | ZoneInfo, after: datetime) -> datetime:
    """Return the first tick strictly after a moment, in UTC.

    Raises:
        ValueError: Cron expression or zone are none, or the moment has no zone.
    """
    rule, zone = _rule(cron), _zone(timezone)
    moment = _utc(after)
    # A clock set back past midnight repeats part of the day before.
    for day in _days_from(rule, moment.astimezone(zone).date() - _DAY):
        ticks = _ticks_around(rule, zone, day)
        place = bisect_right(ticks, moment)
        if place < len(ticks):
            return ticks[place]
    raise OverflowError("no tick before the end of the calendar")


def latest_tick(cron: str | CronExpression, timezone: str | ZoneInfo, at: datetime) -> datetime:
    """Return the last tick that is not after a moment, in UTC.

    Raises:
        ValueError: Cron expression or zone are none, or the moment has no zone.
    """
    rule, zone = _rule(cron), _zone(timezone)
    moment = _utc(at)
    for day in _days_back_from(rule, moment.astimezone(zone).date() + _DAY):
        ticks = _ticks_around(rule, zone, day)
        place = bisect_right(ticks, moment)
        if place > 0:
            return ticks[place - 1]
    raise OverflowError("no tick after the beginning of the calendar")


def is_tick(cron: str | CronExpression, timezone: str | ZoneInfo, at: datetime) -> bool:
    """Return whether a moment is a tick."""
    rule, zone = _rule(cron), _zone(timezone)
    moment = _utc(at)
    today = moment.astimezone(zone).date()
    # A gap can move a tick from one day to the next.
    return any(_holds(ticks_of_day(rule, zone, day), moment) for day in (today, today - _DAY))


def ticks_between(
    cron: str | CronExpression, timezone: str | ZoneInfo, start: datetime, end: datetime
) -> list[datetime]:
    """Return the ticks from `start` up to, not including, `end`, in UTC, in order.

    Raises:
        ValueError: Cron expression or zone are none, or a moment has no zone.
    """
    rule, zone = _rule(cron), _zone(timezone)
    first, last = _utc(start), _utc(end)
    last_day = last.astimezone(zone).date() + _DAY
    found: list[datetime] = []
    for day in _days_from(rule, first.astimezone(zone).date() - _DAY):
        if day > last_day:
            break
        found += ticks_of_day(rule, zone, day)
    # Days overlap only if a clock is set back past midnight; sorting sorted ticks is cheap.
    found = sorted(set(found)) if _overlap(found) else found
    return found[bisect_left(found, first) : bisect_left(found, last)]


def _holds(ticks: tuple[datetime, ...], moment: datetime) -> bool:
    place = bisect_left(ticks, moment)
    return place < len(ticks) and ticks[place] == moment


def _overlap(ticks: list[datetime]) -> bool:
    return any(one >= other for one, other in pairwise(ticks))


@lru_cache(maxsize=256)
def _ticks_around(cron: CronExpression, zone: ZoneInfo, day: date) -> tuple[datetime, ...]:
    """Return the ticks of a day, with those of adjacent days that lie between them."""
    own = ticks_of_day(cron, zone, day)
    if not (own and cron.covers_every_hour):
        return own
    first, last = own[0], own[-1]
    mixed = set(own)
    for neighbour in (day - _DAY, day + _DAY):
        mixed.update(t for t in ticks_of_day(cron, zone, neighbour) if first < t < last)
    return tuple(sorted(mixed))


def _days_from(cron: CronExpression, day: date) -> Iterator[date]:
    year, month, first = day.year, day.month, day.day
    while year <= date.max.year:
        for number in days_of_month(cron, year, month):
            if number >= first:
                yield date(year, month, number)
        year, month, first = (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)


def _days_back_from(cron: CronExpression, day: date) -> Iterator[date]:
    year, month, last = day.year, day.month, day.day
    while year >= date.min.year:
        for number in reversed(days_of_month(cron, year, month)):
            if number <= last:
                yield date(year, month, number)
        year, month, last = (year, month - 1, 31) if month > 1 else (year - 1, 12, 31)


def _rule(cron: str | CronExpression) -> CronExpression:
    return parse_cron(cron) if isinstance(cron, str) else cron


def _zone(timezone: str | ZoneInfo) -> ZoneInfo:
    return check_timezone(timezone) if isinstance(timezone, str) else timezone


def _utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; give an aware time")
    return moment.astimezone(UTC)
