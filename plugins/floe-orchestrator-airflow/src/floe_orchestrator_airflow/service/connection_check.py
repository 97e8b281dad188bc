"""Check whether an Airflow responds, is healthy, and accepts the settings' credentials."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from floe_core.foundation.service_probe import is_supported, without_secrets
from floe_core.plugin_interfaces import ValidationResult
from floe_orchestrator_airflow.service.rest_access import (
    CannotGoOnError,
    json_object,
    request,
    token_for,
    url_in,
)

LIMIT_SECONDS = 9.5
SUPPORTED = ">=3.1,<4"
# A component in the health report, and what to do about it.
_START = {
    "metadatabase": "check [database] sql_alchemy_conn and run `airflow db check`",
    "scheduler": "start `airflow scheduler`; without it no run starts",
    "triggerer": "start `airflow triggerer`; without it the tasks of nodes never end",
    "dag_processor": "start `airflow dag-processor`; without it no DAG is read",
}


@dataclass(slots=True)
class _Findings:
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_connection(settings: Mapping[str, Any]) -> ValidationResult:
    """Return the result within ten seconds, without any secret in it.

    Check, in this order: the version, the health of each component, and whether the settings'
    credentials are accepted.
    """
    url = url_in(settings)
    deadline = time.monotonic() + LIMIT_SECONDS
    found = _Findings()
    version = ""
    try:
        version = _version(url, deadline)
        _check_health(url, deadline, found)
        _check_authentication(url, settings, deadline)
    except CannotGoOnError as error:
        found.errors.append(str(error))
    where = f"Airflow {version} at {without_secrets(url)}" if version else without_secrets(url)
    return ValidationResult(
        success=not found.errors,
        message=f"{where}: {'not usable' if found.errors else 'usable'}",
        errors=found.errors,
        warnings=found.warnings,
    )


def _version(url: str, deadline: float) -> str:
    answer = request("GET", f"{url}/api/v2/version", deadline)
    shown = without_secrets(url)
    if answer.status >= 500:
        raise CannotGoOnError(
            f"{shown} answers with HTTP {answer.status}; see the log of `airflow api-server`"
        )
    found = json_object(answer)
    version = found.get("version")
    if answer.status != 200 or not isinstance(version, str) or "git_version" not in found:
        raise CannotGoOnError(
            f"{shown} is not Airflow 3 (HTTP {answer.status} to /api/v2/version); "
            "set `url` to the api-server, such as http://airflow.example.com:8080"
        )
    if not is_supported(version, SUPPORTED):
        raise CannotGoOnError(
            f"{shown} is Airflow {version}; floe needs Airflow 3.1 or a later 3.x"
        )
    return version


def _check_health(url: str, deadline: float, found: _Findings) -> None:
    answer = request("GET", f"{url}/api/v2/monitor/health", deadline)
    health = json_object(answer)
    if answer.status != 200 or not health:
        found.errors.append(
            f"/api/v2/monitor/health answers with HTTP {answer.status} and no health; see the log "
            "of `airflow api-server`"
        )
        return
    for name, start in _START.items():
        facts = health.get(name)
        status = facts.get("status") if isinstance(facts, dict) else None
        if status is None:
            found.warnings.append(f"no {name.replace('_', '-')} has reported: {start}")
        elif status != "healthy":
            found.errors.append(f"the {name.replace('_', '-')} is {status}: {start}")


def _check_authentication(url: str, settings: Mapping[str, Any], deadline: float) -> None:
    """Request something that requires authentication."""
    token = token_for(url, settings, deadline)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = request("GET", f"{url}/api/v2/dags?limit=1", deadline, headers=headers)
    if answer.status == 401:
        raise CannotGoOnError(_explain_refusal(settings))
    if answer.status == 403:
        raise CannotGoOnError(
            "the user may not read DAGs (HTTP 403); give it a role that may, or set other "
            "credentials under plugins.orchestrator.config"
        )
    if answer.status != 200:
        raise CannotGoOnError(f"/api/v2/dags answers with HTTP {answer.status}")


def _explain_refusal(settings: Mapping[str, Any]) -> str:
    if settings.get("token"):
        return "Airflow refuses the `token` (HTTP 401): it is wrong or has expired; set a new one"
    return (
        "Airflow requires authentication (HTTP 401); set `username` and `password`, or `token`, "
        "under plugins.orchestrator.config, as env:NAME"
    )
