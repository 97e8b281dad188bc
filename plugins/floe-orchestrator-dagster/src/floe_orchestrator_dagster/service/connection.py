"""Check whether a Dagster webserver is running and healthy."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from floe_core.foundation.service_probe import Answer, NoAnswerError, send_request, without_secrets
from floe_core.plugin_interfaces import ValidationResult
from floe_orchestrator_dagster.service.instance_health import (
    HEALTH_QUERY,
    InstanceHealth,
    health_in,
)
from floe_orchestrator_dagster.service.webserver_access import WebserverAccess, access_from

LIMIT_SECONDS = 9.5


def check_connection(settings: Mapping[str, Any]) -> ValidationResult:
    """Return the webserver's state within 10 seconds. Never raises, never shows the token."""
    deadline = time.monotonic() + LIMIT_SECONDS
    try:
        access = access_from(settings)
    except ValueError as error:
        return _failure("the settings of the Dagster webserver cannot be used", str(error))
    where = without_secrets(access.url)
    try:
        answer = send_request(
            "POST",
            access.graphql_url,
            json_body={"query": HEALTH_QUERY},
            headers=access.headers,
            deadline=deadline,
        )
    except NoAnswerError as error:
        advice = "start dagster-webserver or set plugins.orchestrator.config.url"
        return _failure(f"no answer from Dagster at {where}", f"{error.reason}; {advice}")
    return _judge(answer, access, where)


def _judge(answer: Answer, access: WebserverAccess, where: str) -> ValidationResult:
    if answer.status in (401, 403):
        return _failure(
            f"{where} denies access ({answer.status})",
            "set plugins.orchestrator.config.token to env:NAME of a token that may read",
        )
    health = health_in(_json(answer.body), access.token) if answer.status == 200 else None
    if health is None:
        return _failure(
            f"{where} is not Dagster's webserver",
            f"POST {without_secrets(access.graphql_url)} gave status {answer.status} and no answer "
            "in Dagster's GraphQL; check plugins.orchestrator.config.url",
        )
    return _report(health, where)


def _report(health: InstanceHealth, where: str) -> ValidationResult:
    count = len(health.locations)
    state = "is running and healthy" if not health.errors else "is running, but not healthy"
    return ValidationResult(
        success=not health.errors,
        message=f"Dagster {health.version} at {where} {state}; code locations: {count}",
        errors=health.errors,
        warnings=health.warnings,
    )


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _failure(message: str, error: str) -> ValidationResult:
    return ValidationResult(success=False, message=message, errors=[error])
