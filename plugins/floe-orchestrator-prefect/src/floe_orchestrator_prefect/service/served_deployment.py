"""The deployment of a job on a running Prefect server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import without_secrets
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_prefect.names.prefect_names import DEPLOYMENT, flow_name
from floe_orchestrator_prefect.service.server_access import access_from

LIMIT_SECONDS = 20.0


@dataclass(frozen=True)
class ServedDeployment:
    """A deployment, and the client of the server that has it."""

    client: SyncPrefectClient
    found: DeploymentResponse
    where: str


@contextmanager
def served_deployment(
    artifacts: CompiledArtifacts, job: Job, settings: Mapping[str, Any]
) -> Iterator[ServedDeployment | None]:
    """Yield the deployment of a job; None if no server is configured, or it does not respond.

    Raises:
        EnvironmentProblemError: The server has no such deployment, or refuses access.
        ValueError: The settings of the server are invalid.
    """
    access = access_from(settings)
    if access is None:
        yield None
        return
    name, where = f"{flow_name(artifacts, job)}/{DEPLOYMENT}", without_secrets(access.url)
    client_settings = {"headers": access.headers, "timeout": LIMIT_SECONDS}
    with SyncPrefectClient(access.url, httpx_settings=client_settings) as client:
        try:
            found = client.read_deployment_by_name(name)
        except httpx.TransportError:
            yield None
            return
        except ObjectNotFound:
            advice = "run `python flow.py` in the compiled folder, or deploy it to a work pool"
            raise EnvironmentProblemError(
                f"Prefect at {where} has no deployment {name}; {advice}"
            ) from None
        except PrefectHTTPStatusError as error:
            status = error.response.status_code
            raise EnvironmentProblemError(
                f"Prefect at {where} answers with status {status} when asked for {name}"
            ) from None
        except ValueError as error:
            # No JSON, or other JSON: something else listens there.
            first = str(error).partition("\n")[0]
            raise EnvironmentProblemError(f"{where} is not Prefect's API: {first}") from None
        yield ServedDeployment(client, found, where)
