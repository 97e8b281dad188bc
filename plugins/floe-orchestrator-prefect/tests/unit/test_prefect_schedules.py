from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.client.schemas.schedules import CronSchedule, RRuleSchedule

from floe_core.schedules import ticks_between
from floe_core.schemas.policies import Schedule
from floe_orchestrator_prefect.ticks.prefect_schedules import moments_of, prefect_schedules

TODAY = datetime(2026, 3, 1, tzinfo=UTC)
RULES = [
    "30 6 * * *",
    "30 1 * * *",
    "30 2 * * *",
    "0 * * * *",
    "*/15 * * * *",
    "15 9 * * 1-5",
    "0 0 1 * *",
    "0 12 * * sun",
    "@weekly",
]
ZONES = [
    "UTC",
    "Europe/London",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Europe/Dublin",
]


@pytest.mark.parametrize(
    ("cron", "zone", "given_to_prefect"),
    [
        ("30 6 * * *", "Europe/London", "30 6 * * * in Europe/London"),
        ("0 * * * *", "America/New_York", "0 * * * * in UTC"),
        ("*/15 * * * *", "Asia/Kolkata", "*/15 * * * * in Asia/Kolkata"),
        ("30 2 * * *", "America/New_York", "dates"),
    ],
)
def test_prefects_own_cron_is_used_where_it_ticks_alike(cron, zone, given_to_prefect):
    found = prefect_schedules(Schedule(cron=cron, timezone=zone), TODAY)
    told = {
        f"{one.cron} in {one.timezone}" if isinstance(one, CronSchedule) else "dates"
        for one in found
    }
    assert told == {given_to_prefect}


@pytest.mark.long
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", RULES)
def test_prefect_ticks_as_floe_does_while_clocks_change(cron, zone):
    start, end = TODAY, TODAY + timedelta(days=40)
    rules = prefect_schedules(Schedule(cron=cron, timezone=zone), start)
    covered = min(end, _last_date(rules) or end)
    assert moments_of(rules, start, covered) == ticks_between(cron, zone, start, covered)


@pytest.mark.long
@given(
    hours=st.lists(st.integers(0, 23), min_size=1, max_size=3, unique=True),
    minute=st.integers(0, 59),
    zone=st.sampled_from(ZONES),
    week=st.integers(0, 51),
)
def test_prefect_ticks_as_floe_does_at_any_hours(hours, minute, zone, week):
    cron = f"{minute} {','.join(map(str, sorted(hours)))} * * *"
    start = TODAY + timedelta(days=7 * week)
    rules = prefect_schedules(Schedule(cron=cron, timezone=zone), TODAY)
    assert moments_of(rules, start, start + timedelta(days=7)) == ticks_between(
        cron, zone, start, start + timedelta(days=7)
    )


def test_a_rule_of_dates_is_short_enough_for_prefects_api():
    rules = prefect_schedules(Schedule(cron="30 2 * * *", timezone="America/New_York"), TODAY)
    assert {len(one.rrule) <= 6500 for one in rules if isinstance(one, RRuleSchedule)} == {True}


def _last_date(rules) -> datetime | None:
    dates = [one.rrule.rpartition(",")[2] for one in rules if isinstance(one, RRuleSchedule)]
    return max(datetime.strptime(d, "%Y%m%dT%H%M%S%z") for d in dates) if dates else None
