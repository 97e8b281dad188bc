"""Name the backfills of a job that a running Dagster has not finished, with or without runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from floe_core.foundation.service_probe import NoAnswerError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.names.dagster_names import job_name as dagster_job
from floe_orchestrator_dagster.service.graphql_client import GraphqlClient, RefusedError
from floe_orchestrator_dagster.service.run_history import access_in, problem

_BACKFILLS = """
query FloeBackfills {
  partitionBackfillsOrError(filters: {statuses: [REQUESTED, CANCELING, FAILING]}) {
    __typename
    ... on PartitionBackfills { results { id jobName assetSelection { path } } }
    ... on PythonError { message }
  }
}
"""
_JOBS = """
query FloeJobsOfAssets($keys: [AssetKeyInput!]) { assetNodes(assetKeys: $keys) { jobNames } }
"""


def backfills_of(
    artifacts: CompiledArtifacts, job_name: str, seconds: float, settings: Mapping[str, Any]
) -> list[str]:
    """See `BackfillReporter`."""
    job = dagster_job(artifacts, artifacts.job(job_name))
    try:
        return backfills_in(GraphqlClient.for_seconds(access_in(settings), seconds), job)
    except (ValueError, NoAnswerError, RefusedError, KeyError, TypeError) as error:
        raise problem(error) from None


def backfills_in(client: GraphqlClient, job: str) -> list[str]:
    """Return the backfills of a job of Dagster's, and of assets that it builds."""
    found = client.query_one(_BACKFILLS, "partitionBackfillsOrError", "PartitionBackfills")
    return [f"backfill {each['id']}" for each in found["results"] if _is_of(each, job, client)]


def _is_of(backfill: Mapping[str, Any], job: str, client: GraphqlClient) -> bool:
    # One of assets names no job.
    if not (keys := backfill["assetSelection"]):
        return bool(backfill["jobName"] == job)
    nodes = client.query(_JOBS, keys=keys)["assetNodes"]
    return any(job in node["jobNames"] for node in nodes)
