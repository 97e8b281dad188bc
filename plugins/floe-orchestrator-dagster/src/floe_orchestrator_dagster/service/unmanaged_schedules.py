"""Pause and resume the schedules of others on a running Dagster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.foundation.service_probe import NoAnswerError
from floe_core.plugin_api.run_history import RecordedRun
from floe_core.plugin_api.unmanaged_schedules import ScheduleState
from floe_orchestrator_dagster.service.code_locations import START, STOP
from floe_orchestrator_dagster.service.graphql_client import GraphqlClient, RefusedError
from floe_orchestrator_dagster.service.run_history import PAGE, STATES, access_in, backfills_in

# A run does not say by a public tag of which tick it is.
_STARTED_TICKS = """
query FloeTicks($selector: ScheduleSelector!, $limit: Int) {
  scheduleOrError(scheduleSelector: $selector) {
    __typename
    ... on Schedule { pipelineName scheduleState { ticks(limit: $limit) { timestamp runIds } } }
    ... on ScheduleNotFoundError { message }
    ... on PythonError { message }
  }
}
"""
_PLACE = ("repositoryName", "repositoryLocationName")
_UNDER_WAY = [state for state, ours in STATES.items() if ours in ("queued", "running")]

_SCHEDULES = """
query FloeSchedules {
  repositoriesOrError {
    __typename
    ... on RepositoryConnection { nodes { name location { name } schedules { name } } }
    ... on PythonError { message }
  }
}
"""
_SCHEDULE = """
query FloeSchedule($selector: ScheduleSelector!, $since: Float) {
  scheduleOrError(scheduleSelector: $selector) {
    __typename
    ... on Schedule {
      cronSchedule executionTimezone pipelineName
      scheduleState {
        id status
        typeSpecificData { ... on ScheduleData { startTimestamp } }
        ticks(limit: 1) { timestamp status }
      }
      futureTicks(limit: 1, cursor: $since) { results { timestamp } }
    }
    ... on ScheduleNotFoundError { message }
    ... on PythonError { message }
  }
}
"""
_RUNS = """
query FloeRunsOfJob($filter: RunsFilter, $limit: Int) {
  runsOrError(filter: $filter, limit: $limit) {
    __typename
    ... on Runs {
      results { runId status creationTime startTime endTime
        repositoryOrigin { repositoryName repositoryLocationName }
      }
    }
    ... on PythonError { message }
  }
}
"""


@dataclass(frozen=True)
class DagsterSchedule:
    """See `UnmanagedSchedule`. Dagster starts no tick from before a schedule was resumed."""

    name: str
    seconds: float
    settings: Mapping[str, Any]

    def state(self) -> ScheduleState:
        """See `UnmanagedSchedule`."""
        with _asked(self.name):
            schedule = self._found()
            found = schedule.read()
            backfills = backfills_in(schedule.client, found["pipelineName"])
        state = found["scheduleState"]
        last = state["ticks"][0] if state["ticks"] else {}
        return ScheduleState(
            is_enabled=state["status"] == "RUNNING",
            cron=found["cronSchedule"],
            timezone=found["executionTimezone"] or "UTC",
            last_tick=_moment(last.get("timestamp")),
            next_tick=_next_tick(found),
            is_starting=last.get("status") == "STARTED" or bool(backfills),
        )

    def runs(self) -> Sequence[RecordedRun]:
        """See `UnmanagedSchedule`."""
        with _asked(self.name):
            schedule = self._found()
            job, ticks = schedule.ticks()
            found = {
                run.run_id: replace(run, nominal_time=ticks.get(run.run_id))
                for wanted in ({}, {"statuses": _UNDER_WAY})
                for run in schedule.runs({"pipelineName": job, **wanted})
            }
        return sorted(found.values(), key=lambda run: run.created_at, reverse=True)

    def pause(self) -> None:
        """See `UnmanagedSchedule`."""
        with _asked(self.name):
            schedule = self._found()
            wanted = schedule.read()["scheduleState"]["id"]
            schedule.change(STOP, "stopRunningSchedule", id=wanted)

    def resume(self, first: datetime) -> datetime:
        """See `UnmanagedSchedule`."""
        with _asked(self.name):
            schedule = self._found()
            found = schedule.read()
            if found["scheduleState"]["status"] != "RUNNING":
                begins = _next_tick(found)
                if begins != first:
                    return _required(begins)
                schedule.change(START, "startSchedule", selector=schedule.selector)
                found = schedule.read()
            started = (found["scheduleState"]["typeSpecificData"] or {}).get("startTimestamp")
            # One that is enabled in code, and never was stopped, has no start.
            return _required(_next_tick(schedule.read(started)))

    def _found(self) -> _Schedule:
        return _Schedule.of(self.settings, self.name, self.seconds)


@contextmanager
def _asked(name: str) -> Iterator[None]:
    try:
        yield
    except UsageError:
        raise
    except (NoAnswerError, RefusedError) as error:
        raise EnvironmentProblemError(f"Dagster and its schedule {name}: {error}") from None
    except (KeyError, TypeError, ValueError):
        what = "its response is not Dagster's"
        raise EnvironmentProblemError(f"Dagster and its schedule {name}: {what}") from None


@dataclass(frozen=True)
class _Schedule:
    client: GraphqlClient
    url: str
    selector: Mapping[str, str]

    @classmethod
    def of(cls, settings: Mapping[str, Any], name: str, seconds: float) -> _Schedule:
        """Return the schedule `NAME`, or `LOCATION/NAME` if several code locations have one."""
        access = access_in(settings)
        client = GraphqlClient.for_seconds(access, seconds)
        nodes = client.query_one(_SCHEDULES, "repositoriesOrError", "RepositoryConnection")["nodes"]
        location, _, bare = name.rpartition("/")
        places = [
            {
                "repositoryName": node["name"],
                "repositoryLocationName": node["location"]["name"],
                "scheduleName": bare,
            }
            for node in nodes
            if location in ("", node["location"]["name"])
            and any(each["name"] == bare for each in node["schedules"])
        ]
        if not places:
            raise RefusedError("no code location that loads has such a schedule")
        if len(places) > 1:
            names = ", ".join(f"{each['repositoryLocationName']}/{bare}" for each in places)
            raise UsageError(f"several code locations of Dagster have {bare}: give one of {names}")
        return cls(client, access.url, places[0])

    def read(self, since: float | None = None) -> Mapping[str, Any]:
        """Return the schedule, and its first tick after a moment, by default now."""
        found: Mapping[str, Any] = self.client.query_one(
            _SCHEDULE, "scheduleOrError", "Schedule", selector=self.selector, since=since
        )
        return found

    def ticks(self) -> tuple[str, Mapping[str, datetime]]:
        """Return the name of its job, and run id -> tick of its last runs."""
        found = self.client.query_one(
            _STARTED_TICKS, "scheduleOrError", "Schedule", selector=self.selector, limit=PAGE
        )
        ticks = found["scheduleState"]["ticks"]
        of_run = {
            run_id: datetime.fromtimestamp(tick["timestamp"], UTC)
            for tick in ticks
            for run_id in tick["runIds"]
        }
        return found["pipelineName"], of_run

    def runs(self, wanted: Mapping[str, Any]) -> Iterator[RecordedRun]:
        """Yield the runs that match a filter, but for those of another code location."""
        found = self.client.query_one(_RUNS, "runsOrError", "Runs", filter=wanted, limit=PAGE)
        for run in found["results"]:
            origin = run["repositoryOrigin"] or self.selector
            if all(origin[field] == self.selector[field] for field in _PLACE):
                yield self._recorded(run)

    def change(self, mutation: str, field: str, **variables: Any) -> None:
        self.client.query_one(mutation, field, "ScheduleStateResult", **variables)

    def _recorded(self, run: Mapping[str, Any]) -> RecordedRun:
        name, run_id = self.selector["scheduleName"], str(run["runId"])
        return RecordedRun(
            product=name,
            job=name,
            run_id=run_id,
            state=STATES.get(run["status"], "running"),
            created_at=datetime.fromtimestamp(run["creationTime"], UTC),
            started_at=_moment(run["startTime"]),
            ended_at=_moment(run["endTime"]),
            link=f"{self.url}/runs/{run_id}",
        )


def _next_tick(found: Mapping[str, Any]) -> datetime | None:
    ticks = found["futureTicks"]["results"]
    return _moment(ticks[0]["timestamp"]) if ticks else None


def _required(tick: datetime | None) -> datetime:
    if tick is None:
        raise RefusedError("it has no tick to come")
    return tick


def _moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
