"""Check the limits that a product's pools stand for in a running Prefect."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import NoAnswerError, send_request
from floe_core.plugin_api.powers import PoolProblem
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.service.server_access import ServerAccess, access_from

LIMIT_SECONDS = 9.5


def check_pools(artifacts: CompiledArtifacts, settings: Mapping[str, Any]) -> list[PoolProblem]:
    """Return the pools whose limits are missing, switched off, or zero.

    Raises:
        EnvironmentProblemError: Prefect does not return its limits.
    """
    try:
        access = access_from(settings)
        return list(_check(artifacts, access)) if access else []
    except (ValueError, NoAnswerError) as error:
        raise EnvironmentProblemError(
            f"Prefect could not be queried for its limits: {error}"
        ) from None


def _check(artifacts: CompiledArtifacts, access: ServerAccess) -> Iterator[PoolProblem]:
    deadline = time.monotonic() + LIMIT_SECONDS
    for pool in artifacts.pools_of_builds:
        path = f"concurrency_limits/tag/{quote(pool, safe='')}"
        found = _read(access, path, "concurrency_limit", deadline)
        limit = found["concurrency_limit"] if found else None
        fix = f"prefect concurrency-limit create {pool} 1"
        yield from _problem(pool, f"the tag {pool}", limit, fix)
    for pool in sorted(set(artifacts.pools_of_nodes.values())):
        path = f"v2/concurrency_limits/{quote(pool, safe='')}"
        found = _read(access, path, "limit", deadline)
        if found and not found.get("active", True):
            what = f"the global concurrency limit {pool} is switched off, so it holds nothing back"
            yield PoolProblem(pool, what, f"prefect gcl enable {pool}")
            continue
        limit = found["limit"] if found else None
        fix = f"prefect gcl {'update' if found else 'create'} {pool} --limit 1"
        yield from _problem(pool, f"the pool {pool}", limit, fix)


def _problem(pool: str, name: str, limit: int | None, fix: str) -> Iterator[PoolProblem]:
    if limit is None:
        what = f"Prefect has no limit for {name}, so it holds nothing back"
        yield PoolProblem(pool, what, fix)
    elif limit == 0:
        what = f"Prefect's limit for {name} is 0, so nothing in it ever starts"
        yield PoolProblem(pool, what, fix, blocks=True)


def _read(access: ServerAccess, path: str, field: str, deadline: float) -> dict[str, Any] | None:
    """Return the limit at a path, which has this field; None if Prefect has no such limit."""
    answer = send_request("GET", f"{access.url}/{path}", headers=access.headers, deadline=deadline)
    try:
        content = json.loads(answer.body)
    except ValueError:
        content = None
    if answer.status == 404 and isinstance(content, dict) and "detail" in content:
        return None
    if answer.status != 200 or not isinstance(content, dict) or field not in content:
        raise ValueError(f"/{path} is not Prefect's (HTTP {answer.status})")
    return content
