"""Run a tick that fell between the writing of a schedule and its start on a running Dagster.

Dagster evaluates a schedule from its start on, and a code location takes seconds to reload, so
such a tick would otherwise be missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from floe_core.schedules import latest_tick
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_dagster.internals import (
    REPOSITORY_TAG,
    SCHEDULE_NAME_TAG,
    SCHEDULED_EXECUTION_TIME_TAG,
)
from floe_orchestrator_dagster.names.dagster_names import (
    EPOCH_TAG,
    NOMINAL_TIME_TAG,
    job_name,
)
from floe_orchestrator_dagster.names.partitions import tags_of_run
from floe_orchestrator_dagster.service.graphql_client import GraphqlClient
from floe_orchestrator_dagster.ticks.requested_ticks import RequestedTicks

_RUNS = """
query FloeRunsOfTick($filter: RunsFilter!) {
  runsOrError(filter: $filter, limit: 1) {
    __typename
    ... on Runs { results { runId } }
    ... on PythonError { message }
  }
}
"""
_LAUNCH = """
mutation FloeLaunchTick($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on UnauthorizedError { message }
    ... on PythonError { message }
  }
}
"""


def run_tick_before_start(
    client: GraphqlClient,
    place: Mapping[str, str],
    schedule_name: str,
    artifacts: CompiledArtifacts,
    job: Job,
) -> None:
    """Launch a run for the latest tick since a schedule was written, if Dagster has none for it.

    If the job moved here, launch runs for all ticks that passed during the move.
    A run has the same tags as Dagster's own run for a tick, so that the daemon recognizes it if
    it evaluates this tick too.

    Raises:
        RefusedError: Dagster did not launch the run.
        EnvironmentProblemError: The claims of ticks cannot be read.
    """
    for tick in _ticks_to_run(artifacts, job, datetime.now(UTC)):
        _launch_once(client, place, schedule_name, artifacts, job, tick)


def _ticks_to_run(artifacts: CompiledArtifacts, job: Job, now: datetime) -> list[datetime]:
    latest = _latest_since_written(job)
    ticks = set() if latest is None else {latest}
    if job.owner is not None:
        owned = RequestedTicks(artifacts, job, job.owner)
        ticks = {*(tick for tick in ticks if not owned.why_not(tick)), *owned.late(now)}
    return sorted(ticks)


def _launch_once(
    client: GraphqlClient,
    place: Mapping[str, str],
    schedule_name: str,
    artifacts: CompiledArtifacts,
    job: Job,
    tick: datetime,
) -> None:
    tags = {SCHEDULE_NAME_TAG: schedule_name, NOMINAL_TIME_TAG: tick.isoformat()}
    owner = {EPOCH_TAG: str(job.owner.epoch)} if job.owner else {}
    partitions = tags_of_run(artifacts, job, tick)
    there = {REPOSITORY_TAG: f"{place['repositoryName']}@{place['repositoryLocationName']}"}
    wanted = {"tags": _as_list({**tags, **there})}
    found = client.query_one(_RUNS, "runsOrError", "Runs", filter=wanted)
    if found["results"]:
        return
    name = job_name(artifacts, job)
    params = {
        "selector": {**place, "jobName": name},
        "mode": "default",
        "runConfigData": {},
        "executionMetadata": {
            "tags": _as_list(
                {**tags, **owner, **partitions, SCHEDULED_EXECUTION_TIME_TAG: tick.isoformat()}
            )
        },
    }
    client.query_one(_LAUNCH, "launchRun", "LaunchRunSuccess", params=params)


def _latest_since_written(job: Job) -> datetime | None:
    schedule = job.schedule
    if schedule is None or not schedule.enabled or schedule.since is None:
        return None
    tick = latest_tick(schedule.cron, schedule.timezone, datetime.now(UTC))
    return tick if tick >= schedule.since else None


def _as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]
