"""Makes a Dagster schedule for each job that has one, with floe's ticks.

If Dagster reads the expression as floe does, it gets the expression unchanged. Otherwise it gets
expressions that cover every tick and more, and moments that are not ticks are skipped with a
reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from dagster import DefaultScheduleStatus, ScheduleDefinition, build_schedule_context

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules.ownership import other_owner
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job, Schedule
from floe_orchestrator_dagster.internals import NoMomentsError, moments_of
from floe_orchestrator_dagster.names.dagster_names import NOMINAL_TIME_TAG, job_name
from floe_orchestrator_dagster.ticks.dagster_cron import is_native, local_superset, utc_superset
from floe_orchestrator_dagster.ticks.tick_evaluation import evaluation, runs_or_reason

if TYPE_CHECKING:
    from floe_orchestrator_dagster.internals import AssetJob

# Of the definition that is evaluated here, and nowhere else.
_TICKS = "ticks"


def schedules_of(
    artifacts: CompiledArtifacts, jobs: Mapping[str, AssetJob]
) -> list[ScheduleDefinition]:
    """Return the schedules of a product, given floe's job name -> Dagster job.

    An enabled schedule runs as soon as a daemon sees it; the switch in Dagster's UI overrides that
    afterwards.
    """
    return [
        ScheduleDefinition(
            name=schedule_name(artifacts, job),
            job=jobs[job.name],
            execution_fn=evaluation(artifacts, job, schedule_name(artifacts, job)),
            **rule_of(job.schedule, datetime.now(UTC), why_off(artifacts, job)),
        )
        for job in artifacts.jobs
        if job.schedule is not None and job.name in jobs
    ]


def rule_of(schedule: Schedule, today: datetime, why_off: str = "") -> dict[str, Any]:
    """Return the timing arguments of a ScheduleDefinition that is loaded today."""
    cron, zone = cron_for_dagster(schedule, today)
    status = DefaultScheduleStatus.RUNNING if schedule.enabled else DefaultScheduleStatus.STOPPED
    return {
        "cron_schedule": cron,
        "execution_timezone": zone,
        "description": description_of(schedule, why_off),
        "default_status": status,
    }


def schedule_name(artifacts: CompiledArtifacts, job: Job) -> str:
    """Return the name of a job's schedule."""
    return f"{job_name(artifacts, job)}_schedule"


def why_off(artifacts: CompiledArtifacts, job: Job) -> str:
    """Return which other orchestrator runs a job's ticks, "" if none does."""
    return other_owner(job.owner, artifacts.orchestrator.name)


def description_of(schedule: Schedule, why_off: str = "") -> str:
    """Return the rule to show in Dagster's UI, whatever expressions Dagster evaluates."""
    rule = f"{schedule.cron} in {schedule.timezone}"
    return f"{rule} ({why_off})" if why_off else rule


def cron_for_dagster(schedule: Schedule, today: datetime) -> tuple[str | list[str], str]:
    """Return the expression or expressions, and the zone, that Dagster evaluates."""
    return _choose_cron(schedule.cron, schedule.timezone, today.year)


@lru_cache(maxsize=256)
def _choose_cron(cron: str, zone: str, year: int) -> tuple[str | list[str], str]:
    if is_native(cron, zone, year):
        return cron, zone
    together = local_superset(cron, zone, year)
    return (together, zone) if together else (utc_superset(cron, zone, year), "UTC")


def dagster_ticks(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the nominal times of the runs that Dagster would request. See `TickReporter`.

    Dagster's own iterator gives the moments, and its own evaluation of the schedule decides which
    of them have a run. The schedule is evaluated as if it were loaded at `start`.

    Raises:
        EnvironmentProblemError: Dagster does not expose its ticks.
    """
    rule = schedule.model_copy(update={"enabled": True, "since": None})
    definition = ScheduleDefinition(
        name=_TICKS,
        job_name=_TICKS,
        execution_fn=lambda context: runs_or_reason(rule, _TICKS, _TICKS, context)[0],
        **rule_of(rule, start),
    )
    for moment in takewhile(lambda moment: moment < end, _moments(definition, start)):
        with build_schedule_context(scheduled_execution_time=moment) as context:
            for request in definition.evaluate_tick(context).run_requests or ():
                yield datetime.fromisoformat(request.tags[NOMINAL_TIME_TAG]).astimezone(UTC)


def _moments(definition: ScheduleDefinition, start: datetime) -> Iterator[datetime]:
    zone = definition.execution_timezone or "UTC"
    cron = definition.cron_schedule
    try:
        yield from moments_of(cron if isinstance(cron, str) else list(cron), zone, start)
    except NoMomentsError as error:
        raise EnvironmentProblemError(f"{definition.name}: {error}") from error
