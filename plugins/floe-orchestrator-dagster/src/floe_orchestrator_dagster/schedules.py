"""A Dagster schedule for each job that has one, with floe's ticks.

Where Dagster reads the expression as floe does, it is given as it stands. Elsewhere Dagster gets a
UTC expression that names every tick and more, and what is no tick is skipped with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from dagster import (
    DefaultScheduleStatus,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from floe_core.schedules import is_tick
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Schedule
from floe_orchestrator_dagster.dagster_names import NOMINAL_TIME_TAG
from floe_orchestrator_dagster.native_cron import is_native, utc_superset


def schedules_of(
    artifacts: CompiledArtifacts, jobs: Mapping[str, UnresolvedAssetJobDefinition]
) -> list[ScheduleDefinition]:
    """Return the schedules of a product, given floe's job name -> Dagster job.

    One that floe.yaml enables runs as soon as a daemon sees it; the switch in Dagster's own pages
    then overrides it.
    """
    return [
        _schedule(job.schedule, jobs[job.name])
        for job in artifacts.jobs
        if job.schedule is not None and job.name in jobs
    ]


def _schedule(schedule: Schedule, job: UnresolvedAssetJobDefinition) -> ScheduleDefinition:
    cron, zone = cron_for_dagster(schedule, datetime.now(UTC))
    return ScheduleDefinition(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=cron,
        execution_timezone=zone,
        execution_fn=_evaluation(schedule),
        description=f"{schedule.cron} in {schedule.timezone}",
        default_status=(
            DefaultScheduleStatus.RUNNING if schedule.enabled else DefaultScheduleStatus.STOPPED
        ),
    )


def cron_for_dagster(schedule: Schedule, today: datetime) -> tuple[str, str]:
    """Return the expression and the zone that Dagster evaluates."""
    if is_native(schedule.cron, schedule.timezone, today):
        return schedule.cron, schedule.timezone
    return utc_superset(schedule.cron, schedule.timezone, today), "UTC"


def _evaluation(
    schedule: Schedule,
) -> Callable[[ScheduleEvaluationContext], RunRequest | SkipReason]:
    def evaluate(context: ScheduleEvaluationContext) -> RunRequest | SkipReason:
        moment = context.scheduled_execution_time.astimezone(UTC)
        if not is_tick(schedule.cron, schedule.timezone, moment):
            return SkipReason(
                f"{moment.isoformat()} is no tick of {schedule.cron} in {schedule.timezone}"
            )
        return RunRequest(tags={NOMINAL_TIME_TAG: moment.isoformat()})

    return evaluate
