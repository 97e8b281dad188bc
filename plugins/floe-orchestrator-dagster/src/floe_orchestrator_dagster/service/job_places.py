"""Finds the code locations in which a running Dagster has loaded a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_dagster.names.dagster_names import ENVIRONMENT_TAG, job_name
from floe_orchestrator_dagster.service.graphql_client import GraphqlClient

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
