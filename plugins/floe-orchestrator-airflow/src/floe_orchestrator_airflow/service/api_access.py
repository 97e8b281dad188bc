"""Requests for objects of a running Airflow, within a time limit."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from floe_orchestrator_airflow.service.rest_access import (
    CannotGoOnError,
    json_object,
    request,
    token_for,
    url_in,
)

# The most that Airflow returns at once.
PAGE = 100


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
