"""A job's schedule on a running Prefect server: what it is, and how a changed one is applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.schemas.actions import DeploymentScheduleUpdate, DeploymentUpdate

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunningSchedule
from floe_core.schedules.claims import OwnedTicks
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job, Schedule
from floe_orchestrator_prefect.internals import NoMomentsError
from floe_orchestrator_prefect.service.served_deployment import ServedDeployment, served_deployment
from floe_orchestrator_prefect.service.server_problems import SERVER_PROBLEMS
from floe_orchestrator_prefect.ticks.prefect_schedules import moments_of, prefect_schedules
from floe_orchestrator_prefect.ticks.tick_order import create_runs

# The spans in which to look for the next tick, one after another.
AHEAD = (timedelta(days=2), timedelta(days=32), timedelta(days=366))

_NOT_APPLIED: tuple[type[Exception], ...] = (EnvironmentProblemError, ValueError, *SERVER_PROBLEMS)


def take_up(schedules: JobSchedules, name: str, settings: Mapping[str, Any]) -> None:
    """Replace the schedules of the job's deployment, and the runs created ahead of time.

    If no server is configured or responds, do nothing: the next process to serve the product
    registers them.

    Raises:
        EnvironmentProblemError: A server responds but does not apply the schedule.
    """
    job = schedules.live(name)
    try:
        with served_deployment(schedules.artifacts, job, settings) as served:
            if served is not None:
                _replace(served, _wanted_updates(job.schedule))
                _create_late_runs(served, schedules, job)
    except _NOT_APPLIED as error:
        raise EnvironmentProblemError(
            f"the change is stored in {schedules.place}, but not applied: {error}"
        ) from None


def _create_late_runs(served: ServedDeployment, schedules: JobSchedules, job: Job) -> None:
    """Create runs for the ticks that passed while the job moved here."""
    if job.owner is not None:
        late = OwnedTicks(schedules.artifacts, job, job.owner).late(datetime.now(UTC))
        create_runs(served.client, served.found.id, late)


def _replace(served: ServedDeployment, wanted: list[DeploymentScheduleUpdate]) -> None:
    """Leave only these schedules. One with a slug is not floe's, and would remain."""
    for one in served.found.schedules:
        if one.slug is not None:
            served.client.delete_deployment_schedule(served.found.id, one.id)
    update = DeploymentUpdate(schedules=wanted, tags=served.found.tags)
    served.client.update_deployment(served.found.id, update)


def _wanted_updates(schedule: Schedule | None) -> list[DeploymentScheduleUpdate]:
    if schedule is None:
        return []
    found = prefect_schedules(schedule, datetime.now(UTC))
    return [DeploymentScheduleUpdate(schedule=one, active=schedule.enabled) for one in found]


def running_schedule(
    artifacts: CompiledArtifacts, job_name: str, settings: Mapping[str, Any]
) -> RunningSchedule | None:
    """Return the schedule that the server reports. See `ScheduleReporter`."""
    try:
        with served_deployment(artifacts, artifacts.job(job_name), settings) as served:
            if served is None:
                return None
            kept = [one.schedule for one in served.found.schedules if one.active]
    except (EnvironmentProblemError, ValueError):
        return None
    if served.found.paused or not kept:
        return RunningSchedule(None, is_enabled=False)
    return RunningSchedule(next_moment(kept, datetime.now(UTC)), is_enabled=True)


def next_moment(schedules: Sequence[Any], start: datetime) -> datetime | None:
    """Return the first moment of schedules from a moment on, None if that is unknown."""
    try:
        spans = (moments_of(schedules, start, start + ahead) for ahead in AHEAD)
        return next((moments[0] for moments in spans if moments), None)
    except NoMomentsError:
        return None
