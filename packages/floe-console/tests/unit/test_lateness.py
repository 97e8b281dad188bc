"""A job is late from its deadline on, until a run of it succeeds."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from floe_console.data.product_status import late_job
from floe_core.plugin_api.run_history import RecordedRun, RunState
from floe_core.schemas.policies import Deadline, Job, Schedule

DAY = timedelta(days=1)
START = datetime(2026, 3, 2, tzinfo=UTC)
JOB = Job(
    name="shop",
    deadline=Deadline(time="07:00", timezone="UTC"),
    schedule=Schedule(cron="0 6 * * *", timezone="UTC"),
)


def run(end: datetime, state: RunState = "success", nominal: datetime | None = None) -> RecordedRun:
    begin = end - timedelta(minutes=5)
    return RecordedRun("shop", "shop", str(end), state, begin, begin, end, nominal)


def at(days: int, hours: float) -> datetime:
    return START + days * DAY + timedelta(hours=hours)


def test_in_time_is_not_late() -> None:
    runs = [run(at(0, 6.5)), run(at(1, 6.5))]
    assert late_job(JOB, runs, at(1, 8)) is None


def test_a_missed_deadline_is_late_until_a_run_succeeds() -> None:
    runs = [run(at(0, 6.5)), run(at(1, 6.5), "failed")]
    found = late_job(JOB, runs, at(1, 8))
    assert found is not None
    assert found.deadline == at(1, 7)
    assert late_job(JOB, [*runs, run(at(1, 9))], at(1, 10)) is None


def test_nothing_is_late_before_the_deadline() -> None:
    assert late_job(JOB, [run(at(0, 6.5))], at(1, 6.9)) is None


def test_a_run_of_another_job_meets_no_deadline() -> None:
    other = RecordedRun("shop", "other", "x", "success", at(1, 6), at(1, 6), at(1, 6.5))
    assert late_job(JOB, [run(at(0, 6.5)), other], at(1, 8)) is not None


def test_without_a_run_nothing_is_known() -> None:
    assert late_job(JOB, [], at(1, 8)) is None


@pytest.mark.parametrize("seed", range(60))
def test_it_is_what_walking_through_the_days_finds(seed: int) -> None:
    chance = random.Random(seed)
    runs = [
        run(at(day, hour), chance.choice(["success", "failed"]))
        for day in range(5)
        for hour in sorted(chance.sample(range(1, 24), chance.randrange(4)))
    ]
    runs.append(run(at(0, 0.1), "failed"))
    now = at(chance.randrange(1, 5), chance.randrange(24) + 0.5)
    runs = [each for each in runs if each.ended_at and each.ended_at < now]
    due = datetime(now.year, now.month, now.day, 7, tzinfo=UTC)
    due = due if due <= now else due - DAY
    good = [each.ended_at for each in runs if each.state == "success" and each.ended_at]
    expected = None if any(due - DAY < end for end in good) or due < runs[-1].created_at else due
    found = late_job(JOB, runs, now)
    assert (found.deadline if found else None) == expected
