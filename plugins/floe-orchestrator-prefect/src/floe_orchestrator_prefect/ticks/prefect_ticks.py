"""The moments that Prefect's server computes for schedules, from the server's own code."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from floe_orchestrator_prefect.internals import as_on_server

# The server examines this many candidates per request.
PAGE = 500


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
