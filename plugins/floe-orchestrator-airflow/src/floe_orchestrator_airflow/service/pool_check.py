"""Check the pools that a product names in a running Airflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import PoolProblem
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.service.rest_access import (
    Access,
    CannotGoOnError,
    json_object,
    request,
)

LIMIT_SECONDS = 9.5


def check_pools(artifacts: CompiledArtifacts, settings: Mapping[str, Any]) -> list[PoolProblem]:
    """Return the pools whose tasks Airflow would never start.

    Raises:
        EnvironmentProblemError: Airflow does not return its pools.
    """
    try:
        return list(_check(artifacts.pools_of_builds, settings))
    except CannotGoOnError as error:
        raise EnvironmentProblemError(
            f"Airflow could not be queried for its pools: {error}"
        ) from None


def _check(pools: tuple[str, ...], settings: Mapping[str, Any]) -> Iterator[PoolProblem]:
    access = Access.of(settings, LIMIT_SECONDS)
    for pool in pools:
        place = f"{access.url}/api/v2/pools/{quote(pool, safe='')}"
        answer = request("GET", place, access.deadline, headers=access.headers)
        fix = f"airflow pools set {pool} 4 'slots of {pool}'"
        content = json_object(answer)
        if answer.status == 404 and "detail" in content:
            what = f"Airflow has no pool {pool}, so it never starts the tasks in it"
            yield PoolProblem(pool, what, fix, blocks=True)
        elif answer.status != 200 or "slots" not in content:
            raise CannotGoOnError(f"/api/v2/pools is not Airflow's (HTTP {answer.status})")
        elif content["slots"] == 0:
            what = f"the pool {pool} has no slots, so Airflow never starts the tasks in it"
            yield PoolProblem(pool, what, fix, blocks=True)
