"""The address and credentials of Prefect's server, from the manifest or Prefect's settings."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from floe_core.secrets.references import secret_setting


@dataclass(frozen=True)
class ServerAccess:
    """The address of the API without its trailing slash, and headers that are never shown."""

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)


def access_from(settings: Mapping[str, Any]) -> ServerAccess | None:
    """Return the access that the settings or the environment describe; None for no server.

    `url` ends with /api, as does its default, PREFECT_API_URL. `api_key` and `auth_string` name
    variables, by default PREFECT_API_KEY and PREFECT_API_AUTH_STRING.

    Raises:
        ValueError: The settings are invalid; the message shows no secret.
    """
    url = settings.get("url") or os.environ.get("PREFECT_API_URL", "")
    if not url:
        return None
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise ValueError("url must begin with http:// or https://: http://localhost:4200/api")
    key = _own_or(settings, "api_key", "PREFECT_API_KEY")
    login = _own_or(settings, "auth_string", "PREFECT_API_AUTH_STRING")
    return ServerAccess(url.rstrip("/"), _headers(key, login))


def _headers(key: str, login: str) -> dict[str, str]:
    if key:
        return {"Authorization": f"Bearer {key}"}
    if login:
        return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
    return {}


def _own_or(settings: Mapping[str, Any], name: str, variable: str) -> str:
    own = secret_setting(settings, name)
    return own or os.environ.get(variable, "")
