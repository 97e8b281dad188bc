"""The code locations of a running Dagster: which have a job and its schedule, and their reload."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_dagster.names.dagster_names import ENVIRONMENT_TAG, job_name
from floe_orchestrator_dagster.service.graphql_client import GraphqlClient, RefusedError

_RELOAD = """
mutation FloeReload($location: String!) {
  reloadRepositoryLocation(repositoryLocationName: $location) {
    __typename
    ... on WorkspaceLocationEntry {
      locationOrLoadError { __typename ... on PythonError { message } }
    }
    ... on ReloadNotSupported { message }
    ... on UnauthorizedError { message }
    ... on PythonError { message }
  }
}
"""

_LOCATIONS = """
query FloeLocations {
  workspaceOrError {
    __typename
    ... on Workspace { locationEntries { name locationOrLoadError { __typename } } }
    ... on PythonError { message }
  }
}
"""

START = """
mutation FloeStart($selector: ScheduleSelector!) {
  startSchedule(scheduleSelector: $selector) {
    __typename
    ... on UnauthorizedError { message }
    ... on PythonError { message }
  }
}
"""
STOP = """
mutation FloeStop($id: String!) {
  stopRunningSchedule(id: $id) {
    __typename
    ... on UnauthorizedError { message }
    ... on PythonError { message }
  }
}
"""

_PLACES = """
query FloePlaces {
  repositoriesOrError {
    __typename
    ... on RepositoryConnection {
      nodes { name location { name } jobs { name tags { key value } } }
    }
    ... on PythonError { message }
  }
}
"""


class JobPlace(NamedTuple):
    """A code location, and the environment of the manifest, "" for none, that it has a job in."""

    repository: str
    location: str
    environment: str

    @property
    def selector(self) -> dict[str, str]:
        """The first fields of a ScheduleSelector."""
        return {"repositoryName": self.repository, "repositoryLocationName": self.location}


def places_of(client: GraphqlClient, artifacts: CompiledArtifacts, job: Job) -> list[JobPlace]:
    """Return the places where a job is loaded in the artifacts' environment, in any if in none.

    Raises:
        NoAnswerError: There is no response.
        RefusedError: Dagster does not return the places.
    """
    found = client.query_one(_PLACES, "repositoriesOrError", "RepositoryConnection")
    name = job_name(artifacts, job)
    places = [
        JobPlace(node["name"], node["location"]["name"], _environment_of(loaded))
        for node in found["nodes"]
        for loaded in node["jobs"]
        if loaded["name"] == name
    ]
    return [each for each in places if artifacts.environment in ("", each.environment)]


def _environment_of(loaded: Mapping[str, Any]) -> str:
    return next((tag["value"] for tag in loaded["tags"] if tag["key"] == ENVIRONMENT_TAG), "")


def reload_failed_locations(client: GraphqlClient) -> None:
    """Load the code locations again that do not load: what they need may have been away.

    Raises:
        NoAnswerError: There is no response.
        RefusedError: Dagster does not return its code locations.
    """
    found = client.query_one(_LOCATIONS, "workspaceOrError", "Workspace")
    for entry in found["locationEntries"]:
        if (entry["locationOrLoadError"] or {}).get("__typename") == "PythonError":
            with suppress(RefusedError):
                reload_location(client, entry["name"])


def reload_location(client: GraphqlClient, location: str) -> None:
    """Load a code location again.

    Raises:
        NoAnswerError: There is no response.
        RefusedError: It does not load.
    """
    entry = client.query_one(
        _RELOAD, "reloadRepositoryLocation", "WorkspaceLocationEntry", location=location
    )
    outcome = entry["locationOrLoadError"] or {}
    if outcome.get("__typename") == "PythonError":
        raise RefusedError(
            f"the code location {location} does not load: "
            + str(outcome["message"]).strip().partition("\n")[0][:300]
        )
