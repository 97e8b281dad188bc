"""What a real Dagster instance keeps of a code location's schedule and runs, written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, SensorEvaluationContext
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.test_utils import create_run_for_test
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

NAME = "shop_schedule"
REPOSITORY = "__repository__"


def at(hour: int, minute: int) -> datetime:
    return datetime(2026, 1, 10, hour, minute, tzinfo=UTC)


def run_in_location(
    instance: DagsterInstance,
    location: str,
    status: DagsterRunStatus,
    tags: Mapping[str, str],
    job: str = "shop",
) -> DagsterRun:
    """Create a run as one that a code location of this name has launched."""
    origin = repository_in(location).get_job_origin(job)
    return create_run_for_test(
        instance, job_name=job, status=status, tags=dict(tags), remote_job_origin=origin
    )


def repository_in(location: str) -> RemoteRepositoryOrigin:
    target = LoadableTargetOrigin(executable_path="python", module_name="shop")
    place = InProcessCodeLocationOrigin(target, location_name=location)
    return RemoteRepositoryOrigin(place, REPOSITORY)


def sensor_context(
    instance: DagsterInstance, location: str, cursor: str = "0"
) -> SensorEvaluationContext:
    """Return the context in which a daemon evaluates a sensor of a code location."""
    return SensorEvaluationContext(
        instance_ref=None,
        last_tick_completion_time=None,
        last_run_key=None,
        cursor=cursor,
        log_key=None,
        repository_name=REPOSITORY,
        instance=instance,
        code_location_origin=repository_in(location).code_location_origin,
    )


class ScheduleRecords:
    """The schedule of a code location, which started at 1:10."""

    def __init__(self, instance: DagsterInstance, location: str = "shop", name: str = NAME) -> None:
        self.instance = instance
        self.location, self.name = location, name
        self.origin = RemoteInstigatorOrigin(repository_in(location), name)
        instance.add_instigator_state(
            InstigatorState(
                self.origin,
                InstigatorType.SCHEDULE,
                InstigatorStatus.RUNNING,
                ScheduleInstigatorData(["0,30 * * * *"], start_timestamp=at(1, 10).timestamp()),
            )
        )

    def tick(self, moment: datetime, status: TickStatus = TickStatus.STARTED) -> list[str]:
        """Add the tick of an evaluation, and return what its logs are named after."""
        tick = self.instance.create_tick(
            TickData(
                self.origin.get_id(),
                self.name,
                InstigatorType.SCHEDULE,
                status,
                moment.timestamp(),
                run_ids=["a-run"] if status == TickStatus.SUCCESS else None,
                selector_id=self.origin.get_selector().get_id(),
            )
        )
        return [REPOSITORY, self.name, str(tick.tick_id)]
