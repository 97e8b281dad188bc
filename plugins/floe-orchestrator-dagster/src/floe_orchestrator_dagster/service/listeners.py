"""Name the sensors and assets of others that start when a product's assets are updated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from floe_core.foundation.service_probe import NoAnswerError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.names.dagster_names import job_name
from floe_orchestrator_dagster.service.graphql_client import GraphqlClient, RefusedError
from floe_orchestrator_dagster.service.run_history import access_in, problem

# Dagster does not tell which jobs a run status sensor listens to.
_LISTENERS = """
query FloeListeners {
  assetNodes {
    assetKey { path } jobNames dependedByKeys { path } automationCondition { label }
  }
  repositoriesOrError {
    __typename
    ... on RepositoryConnection { nodes { sensors { name metadata { assetKeys { path } } } } }
    ... on PythonError { message }
  }
}
"""
Key = tuple[str, ...]


def listeners_of(
    artifacts: CompiledArtifacts, seconds: float, settings: Mapping[str, Any]
) -> list[str]:
    """See `ListenerReporter`."""
    jobs = {job_name(artifacts, job) for job in artifacts.jobs}
    try:
        found = GraphqlClient(access_in(settings), seconds).query(_LISTENERS)
        assets = {_key(each["assetKey"]): each for each in found["assetNodes"]}
        own = {key for key, each in assets.items() if jobs & set(each["jobNames"])}
        if not own:
            raise RefusedError(f"no code location that loads has the job {sorted(jobs)[0]}")
        repositories = found["repositoriesOrError"]["nodes"]
        return sorted([*_assets(assets, own), *_sensors(repositories, own)])
    except (ValueError, NoAnswerError, RefusedError, KeyError, TypeError) as error:
        raise problem(error) from None


def _assets(assets: Mapping[Key, Mapping[str, Any]], own: set[Key]) -> Iterator[str]:
    """Yield the assets of others that depend on the product's and start by themselves."""
    below = {_key(each) for key in own for each in assets[key]["dependedByKeys"]}
    for key in below - own:
        if assets.get(key, {}).get("automationCondition"):
            yield f"the asset {'/'.join(key)} (its automation condition)"


def _sensors(repositories: Iterable[Mapping[str, Any]], own: set[Key]) -> Iterator[str]:
    for sensor in (each for repository in repositories for each in repository["sensors"]):
        keys = (sensor["metadata"] or {}).get("assetKeys") or ()
        if own & {_key(each) for each in keys}:
            yield f"the sensor {sensor['name']}"


def _key(asset_key: Mapping[str, Any]) -> Key:
    return tuple(asset_key["path"])
