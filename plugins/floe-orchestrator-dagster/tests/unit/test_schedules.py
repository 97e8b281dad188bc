from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest
from dagster import DefaultScheduleStatus, RunRequest, SkipReason, build_schedule_context
from dagster._utils.schedules import schedule_execution_time_iterator

from floe_core.schedules import is_tick, ticks_between
from floe_core.schemas.policies import Job, Schedule
from floe_orchestrator_dagster.product_definitions import definitions_of
from floe_orchestrator_dagster.schedules import cron_for_dagster

TODAY = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("30 6 * * *", "Europe/London"),
        ("0 * * * *", "America/New_York"),
        ("@daily", "UTC"),
        ("*/15 9-17 * * 1-5", "Asia/Kolkata"),
    ],
)
def test_what_dagster_reads_as_floe_does_is_given_as_it_stands(cron, zone):
    assert cron_for_dagster(Schedule(cron=cron, timezone=zone), TODAY) == (cron, zone)


@pytest.mark.parametrize(
    ("cron", "zone", "expression"),
    [
        ("30 1 * * *", "Europe/Dublin", "0,30 0,1 * * *"),
        ("30 0 * * *", "Africa/Cairo", "0,30 21,22 * * *"),
    ],
)
def test_elsewhere_a_utc_expression_names_every_tick(cron, zone, expression):
    given = cron_for_dagster(Schedule(cron=cron, timezone=zone), TODAY)
    assert given == (expression, "UTC")
    start, end = TODAY, TODAY + timedelta(days=500)
    moments = schedule_execution_time_iterator(start.timestamp(), *given)
    named = [m.astimezone(UTC) for m in takewhile(lambda moment: moment < end, moments)]
    assert [m for m in named if is_tick(cron, zone, m)] == ticks_between(cron, zone, start, end)


def test_a_tick_asks_for_a_run_with_its_nominal_time_and_other_moments_are_skipped(node, product):
    schedule = Schedule(cron="30 1 * * *", timezone="Europe/Dublin")
    shop = product(node("model", "orders"), jobs=(Job(name="web-shop", schedule=schedule),))
    definition = definitions_of(shop).resolve_schedule_def("web_shop_schedule")

    def evaluated(moment: datetime) -> RunRequest | SkipReason:
        data = definition.evaluate_tick(build_schedule_context(scheduled_execution_time=moment))
        return data.run_requests[0] if data.run_requests else SkipReason(data.skip_message)

    winter_tick = datetime(2026, 1, 10, 1, 30, tzinfo=UTC)
    request = evaluated(winter_tick)
    assert isinstance(request, RunRequest)
    assert request.tags["floe/nominal_time"] == "2026-01-10T01:30:00+00:00"
    assert evaluated(winter_tick - timedelta(hours=1)) == SkipReason(
        "2026-01-10T00:30:00+00:00 is no tick of 30 1 * * * in Europe/Dublin"
    )


def test_an_enabled_schedule_runs_and_a_disabled_one_is_stopped(node, product):
    jobs = (
        Job(name="web-shop", schedule=Schedule(cron="0 6 * * *")),
        Job(name="hourly", schedule=Schedule(cron="0 * * * *", enabled=False)),
        Job(name="by-hand"),
    )
    schedules = definitions_of(product(node("model", "orders"), jobs=jobs)).schedules
    assert {one.name: (one.job_name, one.default_status) for one in schedules} == {
        "web_shop_schedule": ("web_shop", DefaultScheduleStatus.RUNNING),
        "web_shop__hourly_schedule": ("web_shop__hourly", DefaultScheduleStatus.STOPPED),
    }
