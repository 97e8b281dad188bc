"""Have a running Dagster load a code location again."""

from __future__ import annotations

from contextlib import suppress

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
