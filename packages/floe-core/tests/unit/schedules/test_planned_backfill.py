"""What a backfill runs: the ticks of the current schedule, or its range."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from floe_core.foundation.errors import UsageError
from floe_core.plugin_api.launched_run.launcher import plan_backfill
from floe_core.schedules.job_schedules import JobSchedules

DAYS = (date(2026, 3, 28), date(2026, 3, 29))


def plan(artifacts, job="web-shop"):
    return plan_backfill(artifacts, artifacts.job(job), *DAYS)


def test_without_a_change_the_ticks_are_those_of_floe_yaml(shop):
    assert plan(shop()).ticks == (
        datetime(2026, 3, 28, 6, tzinfo=UTC),
        datetime(2026, 3, 29, 6, tzinfo=UTC),
    )


def test_the_ticks_and_days_are_those_of_the_schedule_that_was_set(shop):
    JobSchedules(shop()).set("web-shop", "0 12 * * *", "America/New_York")
    planned = plan(shop())
    assert planned.ticks == (
        datetime(2026, 3, 28, 16, tzinfo=UTC),
        datetime(2026, 3, 29, 16, tzinfo=UTC),
    )
    assert planned.range.start == datetime(2026, 3, 28, 4, tzinfo=UTC)


def test_a_job_without_a_schedule_of_its_own_is_backfilled_by_the_one_that_was_set(shop):
    JobSchedules(shop()).set("hourly-part", "0 12 * * *", "UTC")
    assert [tick.hour for tick in plan(shop(), "hourly-part").ticks] == [12, 12]


def test_a_schedule_that_was_removed_has_no_ticks(shop):
    JobSchedules(shop()).remove("web-shop")
    with pytest.raises(UsageError) as raised:
        plan(shop())
    assert str(raised.value) == (
        "the job 'web-shop' has no schedule to backfill; set one, or set "
        "`execution.backfillBy: range` in floe.yaml"
    )


def test_a_paused_schedule_has_no_ticks(shop):
    JobSchedules(shop()).pause("web-shop")
    with pytest.raises(UsageError) as raised:
        plan(shop())
    assert str(raised.value) == (
        "the schedule of the job 'web-shop' is paused or disabled, so it has no ticks to backfill; "
        "resume it with `floe schedule resume`, or set `execution.backfillBy: range` in floe.yaml"
    )


def test_a_job_that_builds_from_scratch_is_refused(shop):
    artifacts = shop()
    job = artifacts.job("web-shop").model_copy(update={"full_refresh": True})
    with pytest.raises(UsageError, match="builds from scratch"):
        plan_backfill(artifacts, job, *DAYS)
