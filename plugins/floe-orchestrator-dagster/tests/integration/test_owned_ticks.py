"""A schedule of a job that several orchestrators have, evaluated as the daemon does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster import DagsterInstance, RunRequest, ScheduleEvaluationContext, SkipReason
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.dagster_run import DagsterRunStatus
from dagster._core.test_utils import create_run_for_test, instance_for_test
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from small_artifacts import small_product

from floe_core.schedules.claims import claim_tick
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schedules.ownership import begin_move, call_off_move, end_move, first_owner
from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice
from floe_core.schemas.policies import Job, Owner, Schedule
from floe_orchestrator_dagster.ticks.schedules import rule_of, why_off
from floe_orchestrator_dagster.ticks.tick_evaluation import evaluation

NAME = "shop_schedule"
MINUTE = timedelta(minutes=1)
TICK = datetime.now(UTC).replace(second=0, microsecond=0) - 10 * MINUTE
_LOCATION = InProcessCodeLocationOrigin(
    LoadableTargetOrigin(executable_path="python", module_name="shop"), location_name="shop"
)
JOB = RemoteJobOrigin(RemoteRepositoryOrigin(_LOCATION, "__repository__"), "shop")


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with instance_for_test() as instance:
        yield instance


@pytest.fixture
def shop(tmp_path: Path) -> CompiledArtifacts:
    job = Job(name="shop", schedule=Schedule(cron="* * * * *"))
    choice = OrchestratorChoice(name="dagster")
    return small_product(name="shop", orchestrator=choice, jobs=(job,)).bound_to(tmp_path)


def own(shop: CompiledArtifacts, owner: Owner) -> None:
    schedules = JobSchedules(shop)
    assert schedules.change_owner("shop", schedules.live("shop").owner, owner)


def moved_here(now: datetime) -> Owner:
    return end_move(begin_move(first_owner("airflow"), "dagster", TICK), now)


def evaluate(
    instance: DagsterInstance, shop: CompiledArtifacts, moment: datetime
) -> list[RunRequest | SkipReason]:
    with ScheduleEvaluationContext(instance.get_ref(), moment) as context:
        return list(evaluation(shop, shop.job("shop"), NAME)(context))


def nominal_times(found: list[RunRequest | SkipReason]) -> list[str]:
    assert all(isinstance(each, RunRequest) for each in found), found
    assert len({each.run_key for each in found}) == len(found)
    assert {each.tags["floe/epoch"] for each in found} <= {"1", "2"}
    return [each.tags["floe/nominal_time"] for each in found]


def test_the_schedule_of_a_job_of_another_is_off_and_says_who_runs_it(
    instance: DagsterInstance, shop: CompiledArtifacts
) -> None:
    own(shop, first_owner("airflow"))
    [found] = evaluate(instance, shop, TICK)
    assert found == SkipReason("airflow runs it, since move 1")
    job = with_live_schedules(shop).job("shop")
    assert job.schedule is not None
    rule = rule_of(job.schedule, TICK, why_off(shop, job))
    assert rule["description"] == "* * * * * in UTC (airflow runs it, since move 1)"
    assert rule["default_status"].value == "STOPPED"


def test_ticks_that_passed_during_the_move_here_run_late_in_order_and_once(
    instance: DagsterInstance, shop: CompiledArtifacts
) -> None:
    own(shop, moved_here(TICK + 3 * MINUTE))
    assert claim_tick(shop, "shop", TICK + MINUTE, "a-run") == ""
    for number in (0, 2):
        tags = {
            "dagster/schedule_name": NAME,
            "floe/nominal_time": (TICK + number * MINUTE).isoformat(),
        }
        create_run_for_test(
            instance, status=DagsterRunStatus.QUEUED, tags=tags, remote_job_origin=JOB
        )
    now = TICK + 5 * MINUTE
    expected = [(TICK + number * MINUTE).isoformat() for number in (3, 4, 5)]
    assert nominal_times(evaluate(instance, shop, now)) == expected


@pytest.mark.parametrize(("failed", "key"), [(0, ""), (1, "#1"), (2, "#2"), (3, None)])
def test_a_late_tick_whose_runs_failed_before_they_claimed_it_is_started_again(
    instance: DagsterInstance, shop: CompiledArtifacts, failed: int, key: str | None
) -> None:
    own(shop, moved_here(TICK + MINUTE))
    tags = {"dagster/schedule_name": NAME, "floe/nominal_time": TICK.isoformat()}
    for _ in range(failed):
        create_run_for_test(
            instance, status=DagsterRunStatus.FAILURE, tags=tags, remote_job_origin=JOB
        )
    found = evaluate(instance, shop, TICK + MINUTE)
    late = [] if key is None else [TICK.isoformat()]
    assert nominal_times(found) == [*late, (TICK + MINUTE).isoformat()]
    assert [each.run_key for each in found][:-1] == [f"{tick}{key}" for tick in late]


def test_a_run_that_waits_for_a_late_tick_is_not_replaced(
    instance: DagsterInstance, shop: CompiledArtifacts
) -> None:
    own(shop, moved_here(TICK + MINUTE))
    tags = {"dagster/schedule_name": NAME, "floe/nominal_time": TICK.isoformat()}
    queued = DagsterRunStatus.QUEUED
    run = create_run_for_test(instance, status=queued, tags=tags, remote_job_origin=JOB)
    context = ScheduleEvaluationContext(
        instance.get_ref(), TICK + MINUTE, log_key=["__repository__", NAME, "17"]
    )
    with context:
        list(evaluation(shop, shop.job("shop"), NAME)(context))
    assert instance.get_run_by_id(run.run_id).status is queued


def test_nothing_starts_from_the_tick_that_is_another_s_until_the_move_is_called_off(
    instance: DagsterInstance, shop: CompiledArtifacts
) -> None:
    moving = begin_move(first_owner("dagster"), "airflow", TICK)
    own(shop, moving)
    before = TICK - MINUTE
    assert nominal_times(evaluate(instance, shop, before)) == [before.isoformat()]
    assert evaluate(instance, shop, TICK) == [
        SkipReason(f"from {TICK.isoformat()} on, airflow runs it")
    ]
    own(shop, call_off_move(moving, TICK + MINUTE))
    assert nominal_times(evaluate(instance, shop, TICK + 2 * MINUTE)) == [
        (TICK + number * MINUTE).isoformat() for number in range(3)
    ]


def test_a_tick_that_was_missed_before_the_job_moves_away_runs_late(
    instance: DagsterInstance, shop: CompiledArtifacts
) -> None:
    own(shop, first_owner("dagster"))
    assert claim_tick(shop, "shop", TICK - 2 * MINUTE, "a-run") == ""
    own(shop, begin_move(first_owner("dagster"), "airflow", TICK))
    missed = (TICK - MINUTE).isoformat()
    assert nominal_times(evaluate(instance, shop, TICK + 2 * MINUTE)) == [missed]


def test_a_job_without_an_owner_has_runs_that_claim_nothing(
    instance: DagsterInstance, shop: CompiledArtifacts
) -> None:
    [found] = evaluate(instance, shop, TICK)
    assert isinstance(found, RunRequest)
    assert found.tags == {"floe/nominal_time": TICK.isoformat()}
