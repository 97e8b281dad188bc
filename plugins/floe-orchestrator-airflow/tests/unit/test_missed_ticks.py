"""Which past ticks are made up for, asked of a real metadata database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pendulum
import pytest
from airflow import settings
from airflow.timetables.base import TimeRestriction
from sqlalchemy import delete

from floe_orchestrator_airflow.ticks.timetable import FloeTimetable

NO_CATCHUP = TimeRestriction(earliest=None, latest=None, catchup=False)
DAG_ID = "shop"


def at(text: str) -> pendulum.DateTime:
    return pendulum.instance(datetime.fromisoformat(text).replace(tzinfo=UTC))


YESTERDAYS, TODAYS, TOMORROWS = (at(f"2026-01-{day:02}T06:00") for day in (8, 9, 10))
NOON = at("2026-01-09T12:00")


@pytest.fixture(scope="module")
def database() -> None:
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def remembered(database: None) -> Iterator[Memory]:
    memory = Memory()
    memory.forget()
    yield memory
    memory.forget()


class Memory:
    """What the database says of the past."""

    def forget(self) -> None:
        from airflow.jobs.job import Job
        from airflow.models.dag import DagModel
        from airflow.models.dag_version import DagVersion
        from airflow.models.dagbundle import DagBundleModel
        from airflow.models.dagrun import DagRun

        with settings.NonScopedSession.begin() as session:
            for model in (DagRun, DagVersion, DagModel, Job, DagBundleModel):
                session.execute(delete(model))

    def scheduler(self, start: str, last_heartbeat: str) -> None:
        from airflow.jobs.job import Job

        job = Job(job_type="SchedulerJob", state="success")
        job.start_date, job.latest_heartbeat = at(start), at(last_heartbeat)
        self._add(job)

    def known_since(self, moment: str) -> None:
        from airflow.models.dag import DagModel
        from airflow.models.dag_version import DagVersion
        from airflow.models.dagbundle import DagBundleModel

        self._add(DagBundleModel(name="floe"))
        self._add(DagModel(dag_id=DAG_ID, bundle_name="floe"))
        version = DagVersion(dag_id=DAG_ID, version_number=1, bundle_name="floe")
        version.created_at = at(moment)
        self._add(version)

    def run(self, start: str, end: str | None) -> None:
        from airflow.models.dagrun import DagRun

        run = DagRun(
            dag_id=DAG_ID, run_id=start, logical_date=at(start), run_type="manual", state="success"
        )
        run.run_after = run.start_date = at(start)
        run.end_date = at(end) if end else None
        self._add(run)

    def _add(self, row: object) -> None:
        with settings.NonScopedSession.begin() as session:
            session.add(row)


def next_run(now: pendulum.DateTime, last: pendulum.DateTime | None) -> pendulum.DateTime:
    return FloeTimetable("0 6 * * *", "UTC", DAG_ID).next_run(now, last, NO_CATCHUP)


def test_what_passed_while_no_scheduler_was_up_is_made_up_for(remembered: Memory) -> None:
    remembered.scheduler("2026-01-01T00:00", "2026-01-09T05:59:55")
    remembered.scheduler("2026-01-09T11:59", "2026-01-09T12:00")
    assert next_run(NOON, YESTERDAYS) == TODAYS
    assert next_run(NOON, TODAYS) == TOMORROWS


def test_a_scheduler_that_ended_just_at_the_tick_may_have_missed_it(remembered: Memory) -> None:
    remembered.scheduler("2026-01-01T00:00", "2026-01-09T06:00:30")
    assert next_run(NOON, YESTERDAYS) == TODAYS


def test_unpausing_does_not_run_what_a_scheduler_saw_pass(remembered: Memory) -> None:
    remembered.scheduler("2026-01-01T00:00", "2026-01-09T12:00")
    assert next_run(NOON, YESTERDAYS) == TOMORROWS


def test_a_tick_is_not_passed_over_while_it_is_fresh(remembered: Memory) -> None:
    remembered.scheduler("2026-01-01T00:00", "2026-01-09T12:00")
    assert next_run(TODAYS + timedelta(seconds=90), YESTERDAYS) == TODAYS


def test_a_tick_that_another_run_was_in_the_way_of_is_made_up_for(remembered: Memory) -> None:
    remembered.scheduler("2026-01-01T00:00", "2026-01-09T12:00")
    remembered.run("2026-01-09T05:00", "2026-01-09T11:00")
    assert next_run(NOON, YESTERDAYS) == TODAYS


def test_a_first_deployment_runs_nothing_that_was_before_it(remembered: Memory) -> None:
    assert next_run(NOON, None) == TOMORROWS
    assert next_run(TODAYS + timedelta(seconds=30), None) == TOMORROWS
    remembered.known_since("2026-01-09T06:00:10")
    assert next_run(TODAYS + timedelta(seconds=30), None) == TOMORROWS


def test_the_very_first_tick_is_made_up_for_after_an_outage(remembered: Memory) -> None:
    remembered.known_since("2026-01-09T05:00")
    remembered.scheduler("2026-01-09T05:00", "2026-01-09T05:30")
    assert next_run(NOON, None) == TODAYS
