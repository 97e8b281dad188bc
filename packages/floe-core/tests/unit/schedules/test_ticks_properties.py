"""Ticks against an independent engine, cronsim, and against themselves.

cronsim differs on purpose, so the comparison leaves out or translates:

1. Of a repeated hour it takes the first occurrence, floe the second.
2. It follows elapsed time when minute or hour field begins with `*`, floe when the hour field
   covers all 24 hours.
3. It bridges a gap of any length, floe one of up to 3 hours.
4. It reads a one-value range with a step as open-ended; the dialect has none.
5. Under elapsed time with given minutes it goes on from hour to hour, so it misses the second
   half-hour where clocks go back by less than an hour; floe takes both.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from floe_core.schedules import is_tick, latest_tick, next_tick, parse_cron, ticks_between

DIALECT = json.loads((Path(__file__).parent / "vectors" / "cron-dialect.json").read_text("utf-8"))
HALF_HOUR_CHANGES = "Australia/Lord_Howe"
ZONES = [
    "UTC",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Havana",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Tehran",
    HALF_HOUR_CHANGES,
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "Pacific/Chatham",
]
FIVE_FIELDS = [expr for expr in DIALECT["accept"] if not expr.startswith("@")]

expressions = st.sampled_from(FIVE_FIELDS)
zones = st.sampled_from(ZONES)
moments = st.one_of(
    st.datetimes(datetime(2005, 1, 1), datetime(2036, 12, 31)),
    st.datetimes(datetime(2026, 3, 1), datetime(2026, 4, 10)),
    st.datetimes(datetime(2026, 9, 1), datetime(2026, 11, 10)),
).map(lambda moment: moment.replace(tzinfo=UTC, second=0, microsecond=0))


def comparable(expr: str, timezone: str) -> bool:
    minute, hour = expr.split()[:2]
    elapsed_there = minute.startswith("*") or hour.startswith("*")
    elapsed = parse_cron(expr).covers_every_hour
    misses_half_hour = elapsed and not minute.startswith("*") and timezone == HALF_HOUR_CHANGES
    return elapsed_there == elapsed and not misses_half_hour


def ticks_of_cronsim(expr: str, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    elapsed = parse_cron(expr).covers_every_hour
    found: list[datetime] = []
    # Two days earlier, so that a first occurrence before the span has its second within it.
    for tick in CronSim(expr, (start - timedelta(days=2)).astimezone(zone)):
        moment = (tick if elapsed else tick.replace(fold=1)).astimezone(UTC)
        if moment >= end:
            return found
        if moment >= start and moment not in found[-1:]:
            found.append(moment)
    return found


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(
    st.tuples(expressions, zones).filter(lambda schedule: comparable(*schedule)),
    moments,
)
def test_ticks_agree_with_cronsim(schedule: tuple[str, str], start: datetime) -> None:
    expr, timezone = schedule
    end = start + timedelta(days=4)
    assert ticks_between(expr, timezone, start, end) == ticks_of_cronsim(
        expr, ZoneInfo(timezone), start, end
    )


@settings(max_examples=300, deadline=None)
@given(expressions, zones, moments)
def test_all_ways_to_ask_agree(expr: str, timezone: str, start: datetime) -> None:
    end = start + timedelta(days=3)
    ticks = ticks_between(expr, timezone, start, end)
    followed = [next_tick(expr, timezone, start - timedelta(microseconds=1))]
    while followed[-1] < end:
        followed.append(next_tick(expr, timezone, followed[-1]))
    assert followed[:-1] == ticks
    assert all(is_tick(expr, timezone, tick) for tick in ticks)
    assert [latest_tick(expr, timezone, tick) for tick in ticks] == ticks
    between = [latest_tick(expr, timezone, tick - timedelta(microseconds=1)) for tick in ticks]
    assert between[1:] == ticks[:-1]


@settings(max_examples=60, deadline=None)
@given(expressions, zones, moments)
def test_no_moment_but_a_tick_is_one(expr: str, timezone: str, start: datetime) -> None:
    end = start + timedelta(hours=12)
    minutes = (start + timedelta(minutes=n) for n in range(12 * 60))
    assert [m for m in minutes if is_tick(expr, timezone, m)] == ticks_between(
        expr, timezone, start, end
    )
