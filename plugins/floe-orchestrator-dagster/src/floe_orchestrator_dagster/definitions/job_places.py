"""Where a running Dagster has a job."""

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
    """Return where a job is loaded, as the beginning of a ScheduleSelector.

    Raises:
        NoAnswerError: Nothing answers.
        RefusedError: Dagster does not say.
    """
    found = client.ask_one(_PLACES, "repositoriesOrError", "RepositoryConnection")
    return [
        {"repositoryName": node["name"], "repositoryLocationName": node["location"]["name"]}
        for node in found["nodes"]
        if any(job["name"] == dagster_job for job in node["jobs"])
    ]
