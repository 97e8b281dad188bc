"""Register deployments, for a work pool of Prefect's server too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.deployments.runner import DeploymentApplyError, RunnerDeployment
from prefect.exceptions import ObjectNotFound

from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_orchestrator_prefect.service.server_problems import SERVER_PROBLEMS

_PROBLEMS: tuple[type[Exception], ...] = (DeploymentApplyError, *SERVER_PROBLEMS)


def keep_pause(deployment: RunnerDeployment, **changes: Any) -> RunnerDeployment:
    """Return a copy with these fields changed; registering it leaves a paused deployment paused.

    Prefect sets `paused` to False if it is not given, and sends all fields that are set.
    """
    copied = deployment.model_copy(update=changes)
    copied.model_fields_set.discard("paused")
    return copied


def deploy_to_pool(
    deployments: Sequence[RunnerDeployment],
    work_pool: str,
    image: str | None,
    job_variables: Mapping[str, Any],
) -> list[UUID]:
    """Create or update the deployments, and return their ids.

    Raises:
        UsageError: The server has no such work pool.
        EnvironmentProblemError: The server cannot be reached, or rejects a deployment.
    """
    try:
        with get_client(sync_client=True) as client:
            client.read_work_pool(work_pool)
        return [_apply(each, work_pool, image, job_variables) for each in deployments]
    except ObjectNotFound:
        raise UsageError(
            f"Prefect's server has no work pool {work_pool}; "
            f"create it: `prefect work-pool create {work_pool} --type kubernetes`"
        ) from None
    except _PROBLEMS as error:
        raise EnvironmentProblemError(
            f"the deployments for work pool {work_pool} could not be registered: {error}"
        ) from error


def _apply(
    deployment: RunnerDeployment,
    work_pool: str,
    image: str | None,
    job_variables: Mapping[str, Any],
) -> UUID:
    # Prefect's server keeps the former variables when it is sent none.
    registered = keep_pause(deployment, job_variables={"env": {}, **job_variables})
    found = registered.apply(work_pool_name=work_pool, image=image)
    assert isinstance(found, UUID)
    return found
