"""The address and token of the Dagster webserver, from the manifest's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
