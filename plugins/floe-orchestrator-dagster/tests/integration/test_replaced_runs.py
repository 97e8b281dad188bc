"""A run that waits in the queue is replaced by that of a newer tick."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from dagster import DagsterInstance, DagsterRunStatus, RunRequest, ScheduleEvaluationContext
from dagster._core.test_utils import instance_for_test
from schedule_records import NAME, ScheduleRecords, run_in_location
from schedule_records import at as at_hour

from floe_core.schemas.policies import Schedule
from floe_orchestrator_dagster.ticks.tick_evaluation import runs_or_reason

EACH_MINUTE = Schedule(cron="* * * * *", timezone="UTC")
WAITS, RUNS = DagsterRunStatus.QUEUED, DagsterRunStatus.STARTED


def at(minute: int) -> datetime:
    return at_hour(13, minute)


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with instance_for_test() as instance:
        yield instance


@pytest.fixture
def records(instance: DagsterInstance) -> ScheduleRecords:
    return ScheduleRecords(instance)


def start(
    records: ScheduleRecords, tick: datetime, status: DagsterRunStatus, schedule: str = NAME
) -> str:
    tags = {"dagster/schedule_name": schedule, "floe/nominal_time": tick.isoformat()}
    return run_in_location(records.instance, records.location, status, tags).run_id


def evaluate(
    records: ScheduleRecords,
    tick: datetime,
    schedule: Schedule = EACH_MINUTE,
    *,
    is_by_daemon: bool = True,
) -> None:
    log_key = records.tick(tick) if is_by_daemon else None
    with ScheduleEvaluationContext(records.instance.get_ref(), tick, log_key) as context:
        [*_, requested] = runs_or_reason(schedule, "shop", NAME, context)
    assert isinstance(requested, RunRequest)


def states(instance: DagsterInstance, *run_ids: str) -> list[tuple[str, str]]:
    runs = [instance.get_run_by_id(run_id) for run_id in run_ids]
    return [(run.status.value, run.tags.get("floe/replaced_by", "")) for run in runs if run]


def test_a_newer_tick_replaces_those_that_wait(
    instance: DagsterInstance, records: ScheduleRecords
) -> None:
    under_way = start(records, at(50), RUNS)
    waits = start(records, at(51), WAITS)
    later = start(records, at(53), WAITS)
    others = start(records, at(51), WAITS, "other")
    evaluate(records, at(52))
    replaced = ("CANCELED", at(52).isoformat())
    assert states(instance, under_way, waits, later, others) == [
        ("STARTED", ""),
        replaced,
        ("QUEUED", ""),
        ("QUEUED", ""),
    ]


def test_those_of_another_code_location_go_on_waiting(
    instance: DagsterInstance, records: ScheduleRecords
) -> None:
    """Both hold the same product, as for two environments, and are evaluated at the same moment."""
    other = ScheduleRecords(instance, "other")
    waits = [start(each, at(51), WAITS) for each in (records, other)]
    other.tick(at(52))
    evaluate(records, at(52))
    assert states(instance, *waits) == [("CANCELED", at(52).isoformat()), ("QUEUED", "")]
    evaluate(other, at(53))
    assert states(instance, *waits) == [
        ("CANCELED", at(52).isoformat()),
        ("CANCELED", at(53).isoformat()),
    ]


def test_with_catchup_none_is_replaced(instance: DagsterInstance, records: ScheduleRecords) -> None:
    waits = start(records, at(51), WAITS)
    evaluate(records, at(52), EACH_MINUTE.model_copy(update={"catchup": True}))
    assert states(instance, waits) == [("QUEUED", "")]


def test_a_schedule_that_is_tested_in_dagsters_pages_replaces_nothing(
    instance: DagsterInstance, records: ScheduleRecords
) -> None:
    waits = start(records, at(51), WAITS)
    evaluate(records, at(52), is_by_daemon=False)
    assert states(instance, waits) == [("QUEUED", "")]
