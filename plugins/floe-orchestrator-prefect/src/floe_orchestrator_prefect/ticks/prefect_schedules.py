"""Converts a job's schedule to Prefect's schedules.

Prefect's cron is croniter on the zone's wall clock, which around clock changes is not floe's rule.
So Prefect gets the expression unchanged if it has the same ticks at every change of the zone's
clock for some years; else in UTC, if that gives the same moments; else floe computes the ticks, and
Prefect gets them as dates (RFC 5545, RDATE), as many as its API accepts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from prefect.client.schemas.schedules import CronSchedule, RRuleSchedule
from prefect.schedules import Schedule as PrefectSchedule

from floe_core.schedules import check_timezone, ticks_between
from floe_core.schedules.clock_changes import clock_changes
from floe_core.schemas.policies import Schedule
from floe_orchestrator_prefect.internals import NoMomentsError, as_on_server

# The server examines this many candidates per request.
PAGE = 500

PrefectRule = CronSchedule | RRuleSchedule

LOOK_BACK = timedelta(days=60)
YEARS_AHEAD = 5
_MARGIN = timedelta(hours=36)
# Prefect accepts 6,500 characters in a rule, and each date takes 17.
DATES_IN_A_RULE = 380
# Two years, or if that is too many dates, as many as cover one year of an hourly job.
HORIZON = timedelta(days=731)
MOST_DATES = 26 * DATES_IN_A_RULE


def prefect_schedules(schedule: Schedule, today: datetime) -> list[PrefectRule]:
    """Return rules that together cover exactly the ticks, from today on."""
    cron, zone = schedule.cron, schedule.timezone
    for candidate in (zone, "UTC"):
        if _ticks_alike(cron, zone, candidate, today.year):
            return [CronSchedule(cron=cron, timezone=candidate)]
    return list(_dates(_ticks_ahead(schedule, today)))


def last_date(schedule: Schedule, today: datetime) -> datetime | None:
    """Return the last tick that Prefect gets; None if it gets an expression, which has no end."""
    cron, zone = schedule.cron, schedule.timezone
    if any(_ticks_alike(cron, zone, candidate, today.year) for candidate in (zone, "UTC")):
        return None
    return next(reversed(_ticks_ahead(schedule, today)), None)


def deployment_schedules(schedule: Schedule | None) -> list[PrefectSchedule]:
    """Return the schedules of a deployment, inactive if the job's schedule is.

    They have no slugs: Prefect's server keeps a schedule with a slug until an update names the
    slug, and replaces all schedules without one together.
    """
    if schedule is None:
        return []
    found = prefect_schedules(schedule, datetime.now(UTC))
    return [_as_given(one, schedule.enabled) for one in found]


def _as_given(one: PrefectRule, is_active: bool) -> PrefectSchedule:
    return PrefectSchedule(
        cron=one.cron if isinstance(one, CronSchedule) else None,
        rrule=one.rrule if isinstance(one, RRuleSchedule) else None,
        timezone=one.timezone,
        active=is_active,
    )


@lru_cache(maxsize=256)
def _ticks_alike(cron: str, zone: str, candidate: str, year: int) -> bool:
    """Return whether Prefect's ticks of the cron in the candidate zone are floe's in its own."""
    prefects = CronSchedule(cron=cron, timezone=candidate)
    try:
        return all(
            ticks_between(cron, zone, start, end) == moments_of([prefects], start, end)
            for start, end in _spans(zone, year)
        )
    except NoMomentsError:
        return False


@lru_cache(maxsize=64)
def _spans(zone: str, year: int) -> tuple[tuple[datetime, datetime], ...]:
    """Return a span around each change of the zone's clock, and the months of one whole year."""
    first = datetime(year, 1, 1, tzinfo=UTC)
    end = datetime(year + YEARS_AHEAD, 1, 1, tzinfo=UTC)
    changes = clock_changes(check_timezone(zone), first - LOOK_BACK, end)
    weeks = [first + timedelta(days=28 * n) for n in range(13)]
    return (
        *((change.at - _MARGIN, change.at + _MARGIN) for change in changes),
        *((week, week + timedelta(days=4)) for week in weeks),
    )


def _ticks_ahead(schedule: Schedule, today: datetime) -> list[datetime]:
    return ticks_between(schedule.cron, schedule.timezone, today, today + HORIZON)[:MOST_DATES]


def _dates(ticks: list[datetime]) -> Iterator[RRuleSchedule]:
    for start in range(0, len(ticks), DATES_IN_A_RULE):
        dates = ticks[start : start + DATES_IN_A_RULE]
        text = ",".join(f"{tick:%Y%m%dT%H%M%SZ}" for tick in dates)
        yield RRuleSchedule(rrule=f"RDATE:{text}", timezone="UTC")


def moments_of(schedules: Iterable[Any], start: datetime, end: datetime) -> list[datetime]:
    """Return the moments t of Prefect client schedules, with start <= t < end, in UTC.

    Raises:
        NoMomentsError: Prefect does not expose them.
    """
    found: set[datetime] = set()
    for schedule in schedules:
        found |= _evaluate(as_on_server(schedule), start, end)
    return sorted(found)


def _evaluate(schedule: Any, start: datetime, end: datetime) -> set[datetime]:
    """Return the moments, fetched page by page in a thread: the caller may be in an event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _pages(schedule, start, end)).result()


async def _pages(schedule: Any, start: datetime, end: datetime) -> set[datetime]:
    found: set[datetime] = set()
    last = end - timedelta(microseconds=1)
    while True:
        page = await schedule.get_dates(n=PAGE, start=start, end=last)
        moments = [_utc(moment) for moment in page]
        found |= {moment for moment in moments if moment < end}
        if len(moments) < PAGE or max(moments) <= start:
            return found
        start = max(moments)


def _utc(moment: Any) -> datetime:
    """Return a plain datetime, since Prefect has its own class."""
    return datetime.fromtimestamp(moment.timestamp(), UTC)
