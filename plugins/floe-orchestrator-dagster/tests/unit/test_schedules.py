from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest
from dagster import DefaultScheduleStatus, RunRequest, SkipReason, build_schedule_context
from dagster._utils.schedules import schedule_execution_time_iterator

from floe_core.schedules import is_tick, ticks_between
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schemas.policies import Job, Schedule
from floe_orchestrator_dagster.definitions.product_definitions import definitions_of
from floe_orchestrator_dagster.ticks.schedules import cron_for_dagster

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


def named_by_dagster(given, start: datetime, end: datetime) -> list[datetime]:
    moments = schedule_execution_time_iterator(start.timestamp(), *given)
    return [m.astimezone(UTC) for m in takewhile(lambda moment: moment < end, moments)]


def test_days_that_dagster_misses_are_added():
    given = cron_for_dagster(Schedule(cron="30 1 * * *", timezone="Europe/Dublin"), TODAY)
    days = [f"0 2 {day} 3 *" for day in (25, 26, 28, 29, 31)]
    assert given == (["30 1 * * *", *days], "Europe/Dublin")


def test_elsewhere_the_ticks_are_named_in_utc_month_by_month():
    given = cron_for_dagster(Schedule(cron="30 0 * * *", timezone="Africa/Cairo"), TODAY)
    assert given == (
        [
            "30 21 * 4,5,6,7,8,9,10 *",
            "0 22 * 4 4",
            "30 22 * 1,2,3,4,10,11,12 *",
        ],
        "UTC",
    )


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("30 1 * * *", "Europe/Dublin"),
        ("30 0 * * *", "Africa/Cairo"),
        ("30 0 * * FRI", "Africa/Cairo"),
        ("30 0 1,15,24 * *", "Africa/Cairo"),
        ("30 2 * * *", "Antarctica/Troll"),
        ("30 2 * * *", "Africa/Casablanca"),
        ("15 0 * * *", "America/Havana"),
        ("0 * * * *", "Australia/Lord_Howe"),
    ],
)
def test_every_tick_is_named_and_nearly_nothing_else(cron, zone):
    given = cron_for_dagster(Schedule(cron=cron, timezone=zone), TODAY)
    assert given != (cron, zone)
    start, end = TODAY, TODAY + timedelta(days=500)
    named = named_by_dagster(given, start, end)
    ticks = ticks_between(cron, zone, start, end)
    assert [m for m in named if is_tick(cron, zone, m)] == ticks
    if zone != "Australia/Lord_Howe":
        assert len(named) <= 1.7 * len(ticks) + 10


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
        "2026-01-10T00:30:00+00:00 is not a tick of 30 1 * * * in Europe/Dublin"
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


def minutely(product, node, since=None, enabled=True):
    schedule = Schedule(cron="* * * * *", since=since, enabled=enabled)
    shop = product(node("model", "orders"), jobs=(Job(name="web-shop", schedule=schedule),))
    return definitions_of(shop).resolve_schedule_def("web_shop_schedule")


def test_what_lies_before_the_schedule_was_set_is_skipped(node, product):
    definition = minutely(product, node, since=datetime(2026, 1, 10, 12, 0, 30, tzinfo=UTC))
    before, after = (datetime(2026, 1, 10, 12, minute, tzinfo=UTC) for minute in (0, 1))
    skipped = definition.evaluate_tick(build_schedule_context(scheduled_execution_time=before))
    assert skipped.skip_message == (
        "2026-01-10T12:00:00+00:00 is before * * * * * in UTC was set, at 2026-01-10T12:00:30+00:00"
    )
    run = definition.evaluate_tick(build_schedule_context(scheduled_execution_time=after))
    assert [one.tags["floe/nominal_time"] for one in run.run_requests] == [after.isoformat()]


def test_what_the_store_says_now_goes_before_what_was_loaded(node, product, tmp_path):
    jobs = (Job(name="web-shop", schedule=Schedule(cron="@hourly")),)
    artifacts = product(node("model", "orders"), jobs=jobs).bound_to(tmp_path)
    definition = definitions_of(artifacts).resolve_schedule_def("web_shop_schedule")
    schedules = JobSchedules(artifacts)

    def evaluated(minute: int) -> str | None:
        moment = datetime(2126, 1, 10, 12, minute, tzinfo=UTC)
        context = build_schedule_context(scheduled_execution_time=moment)
        return definition.evaluate_tick(context).skip_message

    assert evaluated(0) is None
    schedules.set("web-shop", "30 * * * *", "UTC")
    assert evaluated(0) == "2126-01-10T12:00:00+00:00 is not a tick of 30 * * * * in UTC"
    assert evaluated(30) is None
    schedules.pause("web-shop")
    assert evaluated(30) == "paused with floe; `floe schedule resume web-shop` starts it again"
    schedules.remove("web-shop")
    assert evaluated(30) == "the schedule of web-shop was removed with floe"
    schedules.reset("web-shop")
    assert evaluated(0) is None
