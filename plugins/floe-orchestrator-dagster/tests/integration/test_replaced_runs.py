"""A run that waits in the queue is replaced by that of a newer tick."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from dagster import DagsterInstance, DagsterRunStatus, RunRequest, ScheduleEvaluationContext
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.test_utils import create_run_for_test, instance_for_test
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from floe_core.schemas.policies import Schedule
from floe_orchestrator_dagster.ticks.tick_evaluation import runs_or_reason

EACH_MINUTE = Schedule(cron="* * * * *", timezone="UTC")
BY_DAEMON, IN_PAGES = ["__repository__", "shop_schedule", "17"], None
_LOCATION = InProcessCodeLocationOrigin(
    LoadableTargetOrigin(executable_path="python", module_name="shop"), location_name="shop"
)
JOB = RemoteJobOrigin(RemoteRepositoryOrigin(_LOCATION, "__repository__"), "shop")
WAITS, RUNS = DagsterRunStatus.QUEUED, DagsterRunStatus.STARTED


def at(minute: int) -> datetime:
    return datetime(2026, 1, 10, 13, minute, tzinfo=UTC)


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with instance_for_test() as instance:
        yield instance


def start(instance: DagsterInstance, tick: datetime, status: DagsterRunStatus, **more: str) -> str:
    tags = {"dagster/schedule_name": "shop_schedule", "floe/nominal_time": tick.isoformat()}
    return create_run_for_test(
        instance, status=status, tags={**tags, **more}, remote_job_origin=JOB
    ).run_id


def evaluate(
    instance: DagsterInstance,
    tick: datetime,
    log_key: list[str] | None,
    schedule: Schedule = EACH_MINUTE,
) -> None:
    context = ScheduleEvaluationContext(instance.get_ref(), tick, log_key=log_key)
    with context:
        [requested] = runs_or_reason(schedule, "shop", "shop_schedule", context)
    assert isinstance(requested, RunRequest)


def states(instance: DagsterInstance, *run_ids: str) -> list[tuple[str, str]]:
    runs = [instance.get_run_by_id(run_id) for run_id in run_ids]
    return [(run.status.value, run.tags.get("floe/replaced_by", "")) for run in runs if run]


def test_a_newer_tick_replaces_those_that_wait(instance: DagsterInstance) -> None:
    under_way = start(instance, at(50), RUNS)
    waits = start(instance, at(51), WAITS)
    later = start(instance, at(53), WAITS)
    others = start(instance, at(51), WAITS, **{"dagster/schedule_name": "other"})
    evaluate(instance, at(52), BY_DAEMON)
    replaced = ("CANCELED", at(52).isoformat())
    assert states(instance, under_way, waits, later, others) == [
        ("STARTED", ""),
        replaced,
        ("QUEUED", ""),
        ("QUEUED", ""),
    ]


def test_with_catchup_none_is_replaced(instance: DagsterInstance) -> None:
    waits = start(instance, at(51), WAITS)
    evaluate(instance, at(52), BY_DAEMON, EACH_MINUTE.model_copy(update={"catchup": True}))
    assert states(instance, waits) == [("QUEUED", "")]


def test_a_schedule_that_is_tested_in_dagsters_pages_replaces_nothing(
    instance: DagsterInstance,
) -> None:
    waits = start(instance, at(51), WAITS)
    evaluate(instance, at(52), IN_PAGES)
    assert states(instance, waits) == [("QUEUED", "")]
