"""List the runs of products on a running Dagster, and what it records of their nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import NoAnswerError
from floe_core.plugin_api.run_history import NodesOfRun, RecordedRun, RunState
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.names.dagster_names import (
    JOB_TAG,
    NOMINAL_TIME_TAG,
    PRODUCT_TAG,
    job_name,
)
from floe_orchestrator_dagster.names.dagster_names import job_name as dagster_job
from floe_orchestrator_dagster.service.graphql_client import (
    GraphqlClient,
    RefusedError,
    WebserverAccess,
    access_from,
)
from floe_orchestrator_dagster.service.nodes_in_events import EVENT, nodes_in

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

# A page of the answer is well below what one request may return.
PAGE = 400
_EVENTS = 300
_RESUMED = "dagster/is_resume_retry"

_RUNS = """
query FloeRuns($filter: RunsFilter, $cursor: String, $limit: Int) {
  runsOrError(filter: $filter, cursor: $cursor, limit: $limit) {
    __typename
    ... on Runs {
      results {
        runId jobName status creationTime startTime endTime parentRunId tags { key value }
      }
    }
    ... on InvalidPipelineRunsFilterError { message }
    ... on PythonError { message }
  }
}
"""
_NODES = """
query FloeNodes($run: ID!, $cursor: String, $limit: Int) {
  runOrError(runId: $run) {
    __typename
    ... on Run {
      eventConnection(afterCursor: $cursor, limit: $limit) {
        cursor hasMore events { ...FloeEvent }
      }
    }
    ... on RunNotFoundError { message }
    ... on PythonError { message }
  }
}
"""
STATES: Mapping[str, RunState] = {
    "QUEUED": "queued",
    "NOT_STARTED": "queued",
    "MANAGED": "queued",
    "STARTING": "running",
    "STARTED": "running",
    "CANCELING": "running",
    "SUCCESS": "success",
    "FAILURE": "failed",
    "CANCELED": "canceled",
}


def recent_runs(
    products: Sequence[CompiledArtifacts],
    since: datetime | None,
    most: int,
    seconds: float,
    settings: Mapping[str, Any],
) -> list[RecordedRun]:
    """See `RunHistory`."""
    jobs = {job_name(each, job): (each, job.name) for each in products for job in each.jobs}
    by_name = {each.product.name: each for each in products}
    found: list[RecordedRun] = []
    access = access_in(settings)
    try:
        for run in _runs(GraphqlClient.for_seconds(access, seconds), since):
            tags = {tag["key"]: tag["value"] for tag in run["tags"]}
            product, job = jobs.get(run["jobName"], (None, ""))
            product = by_name.get(tags.get(PRODUCT_TAG, "")) or product
            if product is not None:
                name = tags.get(JOB_TAG) or job or product.jobs[0].name
                found.append(_recorded(run, tags, product, name, access.url))
            if len(found) >= most:
                break
    except (ValueError, NoAnswerError, RefusedError, KeyError, TypeError) as error:
        raise problem(error) from None
    return found


def nodes_of_run(
    product: CompiledArtifacts, run: RecordedRun, seconds: float, settings: Mapping[str, Any]
) -> NodesOfRun:
    """See `RunHistory`."""
    client = GraphqlClient.for_seconds(access_in(settings), seconds)
    try:
        return nodes_in(_events(client, run.run_id), product)
    except (ValueError, NoAnswerError, RefusedError, KeyError, TypeError) as error:
        raise problem(error) from None


def access_in(settings: Mapping[str, Any]) -> WebserverAccess:
    """Return how to reach the webserver.

    Raises:
        EnvironmentProblemError: The settings are wrong.
    """
    try:
        return access_from(settings)
    except ValueError as error:
        raise problem(RefusedError(str(error))) from None


def _runs(client: GraphqlClient, since: datetime | None) -> Iterator[Mapping[str, Any]]:
    """Yield the runs that changed since a moment, the newest first."""
    wanted = {"updatedAfter": since.timestamp()} if since else {}
    cursor: str | None = None
    while True:
        variables = {"filter": wanted, "cursor": cursor, "limit": PAGE}
        page = client.query_one(_RUNS, "runsOrError", "Runs", **variables)["results"]
        yield from page
        if len(page) < PAGE:
            return
        cursor = page[-1]["runId"]


def _events(client: GraphqlClient, run_id: str) -> Iterator[Mapping[str, Any]]:
    """Yield the events of a run."""
    cursor: str | None = None
    while True:
        variables = {"run": run_id, "cursor": cursor, "limit": _EVENTS}
        page = client.query_one(_NODES + EVENT, "runOrError", "Run", **variables)["eventConnection"]
        yield from page["events"]
        if not page["hasMore"]:
            return
        cursor = page["cursor"]


def _recorded(
    run: Mapping[str, Any],
    tags: Mapping[str, str],
    product: CompiledArtifacts,
    job: str,
    url: str,
) -> RecordedRun:
    run_id, parent = str(run["runId"]), run.get("parentRunId")
    resumed = (str(parent),) if parent and tags.get(_RESUMED) == "true" else ()
    tick = tags.get(NOMINAL_TIME_TAG)
    return RecordedRun(
        product=product.product.name,
        job=job,
        run_id=run_id,
        state=STATES.get(run["status"], "running"),
        created_at=datetime.fromtimestamp(run["creationTime"], UTC),
        started_at=_moment(run["startTime"]),
        ended_at=_moment(run["endTime"]),
        nominal_time=datetime.fromisoformat(tick).astimezone(UTC) if tick else None,
        link=f"{url}/runs/{run_id}",
        build_ids=(*resumed, run_id),
    )


def _moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def problem(error: Exception) -> EnvironmentProblemError:
    """Return the error for what a request to it raised."""
    is_known = isinstance(error, NoAnswerError | RefusedError)
    told = str(error) if is_known else "its response is not Dagster's"
    return EnvironmentProblemError(f"Dagster could not be queried for its runs: {told}")


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
    return [
        f"backfill {each['id']}" for each in found["results"] if _is_backfill_of(each, job, client)
    ]


def _is_backfill_of(backfill: Mapping[str, Any], job: str, client: GraphqlClient) -> bool:
    # One of assets names no job.
    if not (keys := backfill["assetSelection"]):
        return bool(backfill["jobName"] == job)
    nodes = client.query(_JOBS, keys=keys)["assetNodes"]
    return any(job in node["jobNames"] for node in nodes)
