"""Make a running Prefect server apply a job's changed schedule now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from prefect.client.schemas.actions import DeploymentScheduleUpdate, DeploymentUpdate

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules.claims import OwnedTicks
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schemas.policies import Job, Schedule
from floe_orchestrator_prefect.service.served_deployment import ServedDeployment, served_deployment
from floe_orchestrator_prefect.service.server_problems import SERVER_PROBLEMS
from floe_orchestrator_prefect.ticks.prefect_schedules import prefect_schedules
from floe_orchestrator_prefect.ticks.tick_order import create_runs

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
