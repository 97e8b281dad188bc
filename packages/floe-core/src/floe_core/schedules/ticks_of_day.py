"""Compute the ticks of an expression on one calendar day of a zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from floe_core.schedules.cron_expression import CronExpression

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
