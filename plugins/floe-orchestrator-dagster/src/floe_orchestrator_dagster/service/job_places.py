"""Finds the code locations in which a running Dagster has loaded a job."""

from __future__ import annotations

from floe_orchestrator_dagster.service.graphql_client import GraphqlClient

_PLACES = """
query FloePlaces {
  repositoriesOrError {
    __typename
    ... on RepositoryConnection { nodes { name location { name } jobs { name } } }
    ... on PythonError { message }
  }
}
"""


def places_of(client: GraphqlClient, dagster_job: str) -> list[dict[str, str]]:
    """Return the places where a job is loaded, as the first fields of a ScheduleSelector.

    Raises:
        NoAnswerError: There is no response.
        RefusedError: Dagster does not return the places.
    """
    found = client.query_one(_PLACES, "repositoriesOrError", "RepositoryConnection")
    return [
        {"repositoryName": node["name"], "repositoryLocationName": node["location"]["name"]}
        for node in found["nodes"]
        if any(job["name"] == dagster_job for job in node["jobs"])
    ]
