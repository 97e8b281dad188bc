"""Find clock changes of a time zone, and their effect on the ticks of an expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from floe_core.schedules.cron_expression import CronExpression
from floe_core.schedules.ticks import LONGEST_BRIDGED_GAP, change_between

_DAY = timedelta(days=1)
_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A moment (UTC) at which a zone's clock jumps, from one wall time to another."""

    at: datetime
    from_wall: datetime
    to_wall: datetime

    def __str__(self) -> str:
        way = "forward" if self.to_wall > self.from_wall else "back"
        return (
            f"{self.from_wall:%a %Y-%m-%d}: clocks go {way} "
            f"from {self.from_wall:%H:%M} to {self.to_wall:%H:%M}"
        )


def clock_changes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[ClockChange]:
    """Yield a zone's clock changes from `start` to before `end`, both aware, in order."""
    moment = start.astimezone(UTC)
    while moment < end:
        following = min(moment + _DAY, end.astimezone(UTC))
        if moment.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            naive = (edge.replace(tzinfo=None) for edge in (moment, following))
            at = change_between(zone, *naive).replace(tzinfo=UTC)
            second_before = (at - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
            yield ClockChange(
                at,
                from_wall=second_before + timedelta(seconds=1),
                to_wall=at.astimezone(zone).replace(tzinfo=None),
            )
        moment = following


def effect_on(rule: CronExpression, change: ClockChange) -> str:
    """Return a description of a change's effect on the ticks of an expression."""
    forward = change.to_wall > change.from_wall
    low, high = sorted((change.from_wall, change.to_wall))
    walls = _named_walls(rule, low, high)
    if not walls:
        return "no tick is affected"
    shown = ", ".join(f"{wall:%H:%M}" for wall in walls[:_MOST_SHOWN])
    shown += f" and {len(walls) - _MOST_SHOWN} more" if len(walls) > _MOST_SHOWN else ""
    many = len(walls) > 1
    if forward:
        return f"{shown} {'do' if many else 'does'} not exist: {_in_a_gap(rule, change)}"
    both = "come twice and tick" if many else "comes twice and ticks"
    if rule.covers_every_hour:
        return f"{shown} {both} both times, as every hour of the day ticks"
    return f"{shown} {both} once, the second time"


def _in_a_gap(rule: CronExpression, change: ClockChange) -> str:
    if rule.covers_every_hour:
        return "no tick, as every hour of the day that does exist ticks"
    if change.to_wall - change.from_wall > LONGEST_BRIDGED_GAP:
        return "no tick, as the gap is longer than 3 hours"
    return f"one tick at {change.to_wall:%H:%M}, the first moment after the gap"


def _named_walls(rule: CronExpression, low: datetime, high: datetime) -> list[datetime]:
    """Return the expression's wall times from `low` up to, not including, `high`."""
    days = sorted({low.date(), high.date()})
    midnights = [datetime(day.year, day.month, day.day) for day in days if rule.matches(day)]
    named = (m + timedelta(minutes=minute) for m in midnights for minute in rule.minutes_of_day)
    return [wall for wall in named if low <= wall < high]
