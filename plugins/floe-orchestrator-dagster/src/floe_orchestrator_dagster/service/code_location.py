"""Have a running Dagster load a code location again."""

from __future__ import annotations

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
