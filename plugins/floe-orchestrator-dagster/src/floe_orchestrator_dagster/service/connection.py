"""Check whether a Dagster webserver is running and healthy."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML

from floe_core.foundation.service_probe import Answer, NoAnswerError, send_request, without_secrets
from floe_core.plugin_interfaces import ValidationResult
from floe_orchestrator_dagster.service.graphql_client import WebserverAccess, access_from

HEALTH_QUERY = """
query FloeHealth {
  version
  workspaceOrError {
    __typename
    ... on Workspace {
      locationEntries {
        name
        loadStatus
        locationOrLoadError { __typename ... on PythonError { message } }
      }
    }
    ... on PythonError { message }
  }
  instance {
    runQueueConfig { tagConcurrencyLimitsYaml }
    daemonHealth {
      allDaemonStatuses { daemonType required healthy lastHeartbeatErrors { message } }
    }
  }
}
"""

_LIMIT = {"key": "floe/product", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
_NO_LIMIT = (
    "runs of one product do not wait for each other in the queue: add "
    "{key: floe/product, value: {applyLimitPerUniqueValue: true}, limit: 1} to "
    "concurrency.runs.tag_concurrency_limits in dagster.yaml"
)
_LONGEST_MESSAGE = 300
_USER_INFO = re.compile(r"://[^/\s@]+@")

LIMIT_SECONDS = 9.5


@dataclass(frozen=True)
class InstanceHealth:
    """The version, the names of the code locations, and the problems that prevent runs."""

    version: str
    locations: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def health_in(answer: object, secret: str) -> InstanceHealth | None:
    """Return the health in a response; None if the response is not from Dagster.

    `secret` is removed from every message.
    """
    try:
        return _read(answer, secret)
    except (KeyError, TypeError, AttributeError):
        return None


def _read(answer: Any, secret: str) -> InstanceHealth:
    data = answer["data"]
    workspace = data["workspaceOrError"]
    entries = workspace.get("locationEntries", [])
    health = InstanceHealth(str(data["version"]), [str(entry["name"]) for entry in entries])
    if workspace["__typename"] != "Workspace":
        health.errors.append(f"the workspace does not load: {_short(workspace, secret)}")
    elif not entries:
        health.warnings.append("no code location is loaded: there is nothing to run")
    for entry in entries:
        health.errors.extend(_location_errors(entry, secret))
        if entry["loadStatus"] == "LOADING":
            health.warnings.append(f"code location {entry['name']} is still loading")
    for daemon in data["instance"]["daemonHealth"]["allDaemonStatuses"]:
        if daemon["required"] and not daemon["healthy"]:
            health.errors.append(_daemon_error(daemon, secret))
    if not _runs_take_turns(data["instance"]["runQueueConfig"]):
        health.warnings.append(_NO_LIMIT)
    return health


def _runs_take_turns(config: Any) -> bool:
    """Return whether the queue holds a product's run back while another one is in progress."""
    text = config["tagConcurrencyLimitsYaml"] if config else None
    return _LIMIT in (YAML(typ="safe").load(text or "") or [])


def _location_errors(entry: Any, secret: str) -> Iterator[str]:
    outcome = entry["locationOrLoadError"]
    if outcome and outcome["__typename"] == "PythonError":
        yield (
            f"code location {entry['name']} does not load: {_short(outcome, secret)}; fix it and "
            "reload the location"
        )


def _daemon_error(daemon: Any, secret: str) -> str:
    errors = [_short(error, secret) for error in daemon["lastHeartbeatErrors"]]
    why = f"its last error: {errors[0]}" if errors else "start or restart dagster-daemon"
    return f"the daemon {daemon['daemonType']} is required and not healthy; {why}"


def _short(error: Any, secret: str) -> str:
    """Return the first line of an error, without secrets, shortened if it is long."""
    text = str(error["message"])
    text = text.replace(secret, "***") if secret else text
    line = _USER_INFO.sub("://***@", text).strip().partition("\n")[0]
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}..."


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
