"""A job's schedule as a running Dagster reports it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from floe_core.foundation.service_probe import NoAnswerError
from floe_core.plugin_api.powers import RunningSchedule
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.service.graphql_client import GraphqlClient, RefusedError
from floe_orchestrator_dagster.service.job_places import places_of
from floe_orchestrator_dagster.service.webserver_access import access_from
from floe_orchestrator_dagster.ticks.schedules import schedule_name

LIMIT_SECONDS = 10.0

_SCHEDULE = """
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


def running_schedule(
    artifacts: CompiledArtifacts, name: str, settings: Mapping[str, Any]
) -> RunningSchedule | None:
    """Return the schedule that Dagster reports. See `ScheduleReporter`."""
    job = artifacts.job(name)
    try:
        client = GraphqlClient(access_from(settings), LIMIT_SECONDS)
        places = places_of(client, artifacts, job)
        if not places:
            return None
        place = min(places, key=lambda each: each.environment != artifacts.environment)
        selector = {**place.selector, "scheduleName": schedule_name(artifacts, job)}
        found = client.query(_SCHEDULE, selector=selector)["scheduleOrError"]
    except (NoAnswerError, RefusedError, ValueError):
        return None
    if found["__typename"] != "Schedule":
        return RunningSchedule(None, is_enabled=False)
    is_enabled = found["scheduleState"]["status"] == "RUNNING"
    moments = [tick["timestamp"] for tick in found["futureTicks"]["results"]]
    following = datetime.fromtimestamp(moments[0], UTC) if moments and is_enabled else None
    return RunningSchedule(following, is_enabled)
