"""Parse days and moments given on the command line, and show ticks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from floe_core.foundation.errors import UsageError

# Every day in these years has a day before and after it, in every time zone.
YEARS = range(2, 9999)


def read_day(text: str, option: str) -> date:
    """Return the day that a text gives.

    Raises:
        UsageError: It is not a day, or it is at an end of the calendar.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: not a day, such as 2026-01-31") from None
    _check_year(day, text, option)
    return day


def read_moment(text: str, option: str) -> datetime:
    """Return the moment that a text gives, in UTC if it has no offset.

    Raises:
        UsageError: It is not a date or time, or it is at an end of the calendar.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text}: not an ISO date or time, such as 2026-03-29T00:00"
        ) from None
    _check_year(moment, text, option)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def days_after(start: datetime, days: int, option: str) -> datetime:
    """Return the moment so many days later.

    Raises:
        UsageError: It is at the end of the calendar.
    """
    last = datetime(YEARS[-1], 12, 31, tzinfo=UTC)
    if last - start < timedelta(days=days):
        raise UsageError(
            f"{option} {days}: that is after {last:%Y-%m-%d}, the last day that counts"
        )
    return start + timedelta(days=days)


def show_tick(tick: datetime, timezone: str) -> str:
    """Return an aware time for a person: in a time zone, and in UTC.

    >>> show_tick(datetime(2026, 7, 1, 5, tzinfo=UTC), "Europe/London")
    'Wed 2026-07-01 06:00 BST, 05:00 UTC'
    """
    local = tick.astimezone(ZoneInfo(timezone))
    return f"{local:%a %Y-%m-%d %H:%M %Z}, {tick.astimezone(UTC):%H:%M} UTC"


def _check_year(day: date, text: str, option: str) -> None:
    if day.year not in YEARS:
        raise UsageError(f"{option} {text}: give a year from {YEARS[0]} to {YEARS[-1]}")
