"""Send GraphQL requests to a Dagster webserver."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from floe_core.foundation.service_probe import send_request, without_secrets
from floe_core.secrets.references import secret_setting

DEFAULT_URL = "http://localhost:3000"
TOKEN_HEADER = "Dagster-Cloud-Api-Token"


@dataclass(frozen=True)
class WebserverAccess:
    """An address without its trailing slash, and a token that `repr` does not show."""

    url: str
    token: str = field(default="", repr=False)

    @property
    def graphql_url(self) -> str:
        """The URL for GraphQL requests."""
        return f"{self.url}/graphql"

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every request."""
        return {TOKEN_HEADER: self.token} if self.token else {}


def access_from(settings: Mapping[str, Any]) -> WebserverAccess:
    """Return the access that `plugins.orchestrator.config` describes.

    Raises:
        ValueError: The settings are invalid; the message does not show the token.
    """
    url = settings.get("url", DEFAULT_URL)
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise ValueError(f"url must begin with http:// or https://, such as {DEFAULT_URL}")
    return WebserverAccess(url.rstrip("/"), secret_setting(settings, "token"))


class RefusedError(Exception):
    """The webserver responded but did not do what was requested. The text holds no secret."""


class GraphqlClient:
    """One webserver; `limit` is the longest that one request may take, in seconds.

    All requests together may take until `deadline`, on the monotonic clock.
    """

    def __init__(self, access: WebserverAccess, limit: float, deadline: float = math.inf) -> None:
        self._access = access
        self._limit = limit
        self._deadline = deadline

    @classmethod
    def for_seconds(cls, access: WebserverAccess, seconds: float) -> GraphqlClient:
        """Return a client all of whose requests together may take so long."""
        return cls(access, seconds, time.monotonic() + seconds)

    @property
    def where(self) -> str:
        """The address, safe to show."""
        return without_secrets(self._access.url)

    def query(self, query: str, **variables: Any) -> Mapping[str, Any]:
        """Return the data of the response.

        Raises:
            NoAnswerError: There is no response.
            RefusedError: The response holds no data.
        """
        answer = send_request(
            "POST",
            self._access.graphql_url,
            json_body={"query": query, "variables": variables},
            headers=self._access.headers,
            deadline=min(time.monotonic() + self._limit, self._deadline),
        )
        if answer.status in (401, 403):
            raise RefusedError(f"it denies access (HTTP {answer.status}); set `token`, as env:NAME")
        try:
            content = json.loads(answer.body)
            data = content.get("data")
        except (ValueError, AttributeError):
            data = None
        if answer.status != 200 or not isinstance(data, dict):
            raise RefusedError(f"its response is not Dagster's GraphQL (HTTP {answer.status})")
        return data

    def query_one(self, query: str, field: str, wanted: str, **variables: Any) -> Mapping[str, Any]:
        """Return a field of the response, which must be of the GraphQL type `wanted`.

        Raises:
            NoAnswerError: There is no response.
            RefusedError: It is of another type; includes Dagster's message.
        """
        found = self.query(query, **variables)[field]
        if found["__typename"] != wanted:
            message = str(found.get("message") or found["__typename"]).strip().partition("\n")[0]
            raise RefusedError(message[:300])
        typed: Mapping[str, Any] = found
        return typed
