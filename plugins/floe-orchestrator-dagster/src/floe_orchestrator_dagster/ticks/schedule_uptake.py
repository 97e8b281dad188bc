"""A job's schedule on a running Dagster: what it is, and how a changed one is applied."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import NoAnswerError
from floe_core.plugin_api.powers import RunningSchedule
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.live_schedules import live_job
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.environments import in_environment
from floe_core.schemas.policies import Job
from floe_orchestrator_dagster.names.dagster_names import job_name
from floe_orchestrator_dagster.service.code_locations import (
    START,
    STOP,
    JobPlace,
    places_of,
    reload_failed_locations,
    reload_location,
)
from floe_orchestrator_dagster.service.graphql_client import (
    GraphqlClient,
    RefusedError,
    access_from,
)
from floe_orchestrator_dagster.ticks.schedules import description_of, schedule_name, why_off
from floe_orchestrator_dagster.ticks.tick_before_start import run_tick_before_start

ANSWER_SECONDS = 10.0

_NEXT_TICK = """
query FloeRunningSchedule($selector: ScheduleSelector!) {
  scheduleOrError(scheduleSelector: $selector) {
    __typename
    ... on Schedule {
      scheduleState { status }
      futureTicks(limit: 1) { results { timestamp } }
    }
  }
}
"""

LIMIT_SECONDS = 60.0

_SCHEDULE = """
query FloeSchedule($selector: ScheduleSelector!) {
  scheduleOrError(scheduleSelector: $selector) {
    __typename
    ... on Schedule { description scheduleState { id status } }
    ... on PythonError { message }
  }
}
"""


def take_up(schedules: JobSchedules, name: str, settings: Mapping[str, Any]) -> None:
    """Reload the code locations that hold the product, then start or stop the job's schedule.

    If no webserver responds, do nothing: the next load reads the schedule.

    Raises:
        EnvironmentProblemError: A webserver responds but does not apply the schedule.
    """
    try:
        client = GraphqlClient(access_from(settings), LIMIT_SECONDS)
    except ValueError as error:
        raise _not_taken_up(schedules, "the webserver's settings", str(error)) from None
    try:
        _take_up(client, schedules, name)
    except NoAnswerError:
        return
    except RefusedError as error:
        # The default address may belong to an unrelated Dagster, or to something else.
        if settings.get("url"):
            raise _not_taken_up(schedules, f"Dagster at {client.where}", str(error)) from None


def _take_up(client: GraphqlClient, schedules: JobSchedules, name: str) -> None:
    artifacts = schedules.artifacts
    declared = artifacts.job(name)
    places = places_of(client, artifacts, declared)
    if not places:
        reload_failed_locations(client)
        places = places_of(client, artifacts, declared)
    if not places:
        where = f" in the environment {artifacts.environment}" if artifacts.environment else ""
        found = job_name(artifacts, declared)
        raise RefusedError(f"no code location that loads has the job {found}{where}")
    for location in dict.fromkeys(place.location for place in places):
        reload_location(client, location)
    for place in places:
        there = in_environment(artifacts, place.environment)
        job = live_job(there, there.job(name))
        _turn(client, place, there, job)
        run_tick_before_start(client, place.selector, schedule_name(there, job), there, job)


def _turn(client: GraphqlClient, place: JobPlace, artifacts: CompiledArtifacts, job: Job) -> None:
    """Start or stop the schedule in the code location, after checking that it is the new one."""
    name = schedule_name(artifacts, job)
    selector = {**place.selector, "scheduleName": name}
    schedule = client.query(_SCHEDULE, selector=selector)["scheduleOrError"]
    expected = description_of(job.schedule, why_off(artifacts, job)) if job.schedule else None
    found = schedule.get("description") if schedule["__typename"] == "Schedule" else None
    if found != expected:
        raise RefusedError(
            f"the code location {place.location} was reloaded and still has "
            f"{found or 'no schedule'}: its code server keeps what it read at its start, or reads "
            "another schedule store; restart it, or run it as `dagster code-server start`"
        )
    if job.schedule is None:
        return
    state = schedule["scheduleState"]
    if state["status"] == "RUNNING":
        client.query_one(STOP, "stopRunningSchedule", "ScheduleStateResult", id=state["id"])
    if job.schedule.enabled:
        # Dagster records the schedule as started from now on, so a tick that comes before the
        # daemon has the new code runs late instead of not at all.
        client.query_one(START, "startSchedule", "ScheduleStateResult", selector=selector)


def _not_taken_up(schedules: JobSchedules, who: str, why: str) -> EnvironmentProblemError:
    return EnvironmentProblemError(
        f"the change is stored in {schedules.place}, but {who} has not applied it: {why}"
    )


def running_schedule(
    artifacts: CompiledArtifacts, name: str, settings: Mapping[str, Any]
) -> RunningSchedule | None:
    """Return the schedule that Dagster reports. See `ScheduleReporter`."""
    job = artifacts.job(name)
    try:
        client = GraphqlClient(access_from(settings), ANSWER_SECONDS)
        places = places_of(client, artifacts, job)
        if not places:
            return None
        place = min(places, key=lambda each: each.environment != artifacts.environment)
        selector = {**place.selector, "scheduleName": schedule_name(artifacts, job)}
        found = client.query(_NEXT_TICK, selector=selector)["scheduleOrError"]
    except (NoAnswerError, RefusedError, ValueError):
        return None
    if found["__typename"] != "Schedule":
        return RunningSchedule(None, is_enabled=False)
    is_enabled = found["scheduleState"]["status"] == "RUNNING"
    moments = [tick["timestamp"] for tick in found["futureTicks"]["results"]]
    following = datetime.fromtimestamp(moments[0], UTC) if moments and is_enabled else None
    return RunningSchedule(following, is_enabled)
