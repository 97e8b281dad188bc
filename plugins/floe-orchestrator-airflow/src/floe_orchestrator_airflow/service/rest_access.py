"""Access to the REST API of a running Airflow."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from floe_core.foundation.service_probe import Answer, NoAnswerError, send_request
from floe_core.secrets.references import setting

# The most that Airflow returns at once.
PAGE = 100

DEFAULT_URL = "http://localhost:8080"


class CannotGoOnError(Exception):
    """No further request is possible; the text is the error to report."""


class NothingAnswersError(CannotGoOnError):
    """No service responds."""


def url_in(settings: Mapping[str, Any]) -> str:
    """Return the URL of the api-server from the settings."""
    return str(settings.get("url") or DEFAULT_URL).rstrip("/")


def token_for(url: str, settings: Mapping[str, Any], deadline: float) -> str:
    """Return a token for the user in the settings, "" if Airflow requires no authentication.

    Raises:
        CannotGoOnError: Airflow does not issue a token, or nothing responds.
    """
    try:
        token = setting(settings, "token")
        username = setting(settings, "username")
        password = setting(settings, "password")
    except ValueError as error:
        raise CannotGoOnError(str(error)) from None
    if token:
        return token
    if not (username and password):
        return _token_for_everyone(url, deadline)
    credentials = {"username": username, "password": password}
    answer = request("POST", f"{url}/auth/token", deadline, json_body=credentials)
    given = json_object(answer).get("access_token")
    if answer.status in (401, 403):
        raise CannotGoOnError(
            f"Airflow refuses `username` and `password` (HTTP {answer.status}); correct them"
        )
    if answer.status not in (200, 201) or not isinstance(given, str):
        raise CannotGoOnError(
            f"/auth/token answers with HTTP {answer.status}; if your auth manager gives no tokens "
            "for passwords, set `token`"
        )
    return given


def _token_for_everyone(url: str, deadline: float) -> str:
    """Return the token of an Airflow in which all users are admins, "" from any other."""
    given = json_object(request("GET", f"{url}/auth/token", deadline)).get("access_token")
    return given if isinstance(given, str) else ""


def request(
    method: str,
    url: str,
    deadline: float,
    json_body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return the response to one request.

    Raises:
        NothingAnswersError: There is no response.
    """
    try:
        return send_request(method, url, json_body=json_body, headers=headers, deadline=deadline)
    except NoAnswerError as error:
        raise NothingAnswersError(
            f"{error.reason}; check `url` under plugins.orchestrator.config, and that "
            "`airflow api-server` runs there"
        ) from None


def json_object(answer: Answer) -> dict[str, Any]:
    """Return the body as a JSON object, empty if it is not one."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Access:
    """An api-server, its headers, and the moment of the monotonic clock at which to give up."""

    url: str
    headers: Mapping[str, str]
    deadline: float

    @classmethod
    def of(cls, settings: Mapping[str, Any], seconds: float) -> Access:
        """Return the access that settings give, for so many seconds."""
        url, deadline = url_in(settings), time.monotonic() + seconds
        token = token_for(url, settings, deadline)
        return cls(url, {"Authorization": f"Bearer {token}"} if token else {}, deadline)

    def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Return the object that the API answers, empty if it has none at that path."""
        answer = request(
            method, f"{self.url}/api/v2{path}", self.deadline, json_body=body, headers=self.headers
        )
        if answer.status == 404:
            return {}
        if answer.status != 200:
            raise CannotGoOnError(f"{path.partition('?')[0]} answers with HTTP {answer.status}")
        return json_object(answer)

    def change(self, method: str, path: str, body: Any = None) -> bool:
        """Return whether the API did what was requested."""
        answer = request(
            method, f"{self.url}/api/v2{path}", self.deadline, json_body=body, headers=self.headers
        )
        if answer.status in (401, 403):
            what = f"{method} {path} answers with HTTP {answer.status}"
            raise CannotGoOnError(f"{what}; give the user of the settings that right")
        return answer.status < 300
