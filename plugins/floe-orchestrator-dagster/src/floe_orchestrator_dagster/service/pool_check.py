"""Check the pools that a product names in a running Dagster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import NoAnswerError
from floe_core.plugin_api.powers import PoolProblem
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.service.graphql_client import (
    GraphqlClient,
    RefusedError,
    access_from,
)

LIMIT_SECONDS = 9.5
_PARTS = "p{0}: concurrencyLimit(concurrencyKey: $p{0}) {{ limit slotCount }}"
_CONFIG = "poolConfig { poolGranularity defaultPoolLimit }"
_BY_RUN = "concurrency.pools.granularity: op"


def check_pools(artifacts: CompiledArtifacts, settings: Mapping[str, Any]) -> list[PoolProblem]:
    """Return the pools that limit nothing, or that let nothing run.

    Raises:
        EnvironmentProblemError: Dagster does not return its pools.
    """
    try:
        instance = _query_instance(
            GraphqlClient(access_from(settings), LIMIT_SECONDS), artifacts.pools
        )
    except (ValueError, NoAnswerError, RefusedError) as error:
        raise EnvironmentProblemError(
            f"Dagster could not be queried for its pools: {error}"
        ) from None
    return list(_problems(instance, artifacts))


def _query_instance(client: GraphqlClient, pools: Sequence[str]) -> Mapping[str, Any]:
    numbers = range(len(pools))
    variables = ", ".join(f"$p{number}: String!" for number in numbers)
    fields = " ".join(_PARTS.format(number) for number in numbers)
    query = f"query Pools({variables}) {{ instance {{ {_CONFIG} {fields} }} }}"
    data = client.query(query, **{f"p{number}": pools[number] for number in numbers})
    instance = data.get("instance")
    if not isinstance(instance, dict) or not all(
        isinstance(instance.get(f"p{n}"), dict) for n in numbers
    ):
        raise RefusedError("its response is not Dagster's")
    return instance


def _problems(instance: Mapping[str, Any], artifacts: CompiledArtifacts) -> Iterator[PoolProblem]:
    config, of_nodes = instance.get("poolConfig") or {}, set(artifacts.pools_of_nodes.values())
    for number, pool in enumerate(artifacts.pools):
        limit = instance[f"p{number}"]["limit"]
        limit = config.get("defaultPoolLimit") if limit is None else limit
        if limit is None:
            what = f"Dagster has no limit for the pool {pool}, so it holds nothing back"
            yield PoolProblem(pool, what, f"dagster instance concurrency set {pool} 1")
        elif limit == 0:
            what = f"the limit of the pool {pool} is 0, so nothing in it ever starts"
            fix = f"dagster instance concurrency set {pool} 1"
            yield PoolProblem(pool, what, fix, blocks=True)
        elif pool in of_nodes and config.get("poolGranularity") == "run":
            what = f"Dagster's pools count runs, so no node waits for a slot of {pool}"
            yield PoolProblem(pool, what, f"set {_BY_RUN} in dagster.yaml")
