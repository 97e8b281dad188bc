"""Check whether Prefect's server is running and healthy."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from floe_core.foundation.service_probe import (
    Answer,
    NoAnswerError,
    is_supported,
    send_request,
    without_secrets,
)
from floe_core.plugin_interfaces import ValidationResult
from floe_orchestrator_prefect.service.server_access import ServerAccess, access_from

LIMIT_SECONDS = 9.5
SUPPORTED = ">=3.7,<4"
_NO_SERVER = (
    "set plugins.orchestrator.config.url or PREFECT_API_URL; without a server `floe run` still "
    "runs, on one of its own, but no schedule ticks"
)
# pip installs such a pair beside Airflow 3.3, and nothing else explains why no schedule ticks.
_NO_SCHEDULED_RUNS = (
    "a server of Prefect 3.7 or 3.8 schedules no runs with SQLAlchemy 2.1: install sqlalchemy<2.1 "
    "there, or Prefect 3.9"
)


def check_connection(settings: Mapping[str, Any]) -> ValidationResult:
    """Return the server's state within 10 seconds. Never raises, never shows a secret."""
    deadline = time.monotonic() + LIMIT_SECONDS
    try:
        access = access_from(settings)
    except ValueError as error:
        return _failure("the settings of Prefect's server cannot be used", str(error))
    if access is None:
        return _failure("no Prefect server is named", _NO_SERVER)
    try:
        return _check(access, deadline)
    except NoAnswerError as error:
        advice = "start `prefect server start`, or set plugins.orchestrator.config.url"
        where = without_secrets(access.url)
        return _failure(f"no answer from Prefect at {where}", f"{error.reason}; {advice}")


def _check(access: ServerAccess, deadline: float) -> ValidationResult:
    """Check its version, then its health; Cloud gives no version without authentication."""
    where = without_secrets(access.url)
    answer = send_request("GET", f"{access.url}/health", headers=access.headers, deadline=deadline)
    if answer.status in (401, 403):
        advice = "set api_key or auth_string under plugins.orchestrator.config, as env:NAME"
        return _failure(f"{where} denies access ({answer.status})", advice)
    if answer.status != 200 or _json(answer) is not True:
        advice = "the url is that of the API, such as http://prefect.example.com:4200/api"
        error = f"GET /health gave status {answer.status} and not Prefect's `true`; {advice}"
        return _failure(f"{where} is not Prefect, or is unhealthy", error)
    answer = send_request(
        "GET", f"{access.url}/admin/version", headers=access.headers, deadline=deadline
    )
    if answer.status in (401, 403):
        advice = "set api_key or auth_string under plugins.orchestrator.config, as env:NAME"
        return _failure(f"{where} denies access ({answer.status})", advice)
    version = _json(answer)
    if not isinstance(version, str):
        advice = f"GET /admin/version gave status {answer.status}; floe needs Prefect 3"
        return _failure(f"{where} is not Prefect 3", advice)
    if not is_supported(version, SUPPORTED):
        advice = "floe needs Prefect 3.7 or a later 3.x"
        return _failure(f"{where} is Prefect {version}", advice)
    warnings = [_NO_SCHEDULED_RUNS] if version.startswith(("3.7.", "3.8.")) else []
    message = f"Prefect {version} at {where} is running and healthy"
    return ValidationResult(True, message, warnings=warnings)


def _json(answer: Answer) -> object:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _failure(message: str, error: str) -> ValidationResult:
    return ValidationResult(success=False, message=message, errors=[error])
