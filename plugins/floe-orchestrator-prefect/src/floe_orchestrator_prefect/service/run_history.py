"""List the runs of products on a running Prefect, and what it records of their nodes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import NoAnswerError, send_request
from floe_core.plugin_api.run_history import (
    NodesOfRun,
    NodeState,
    RecordedNode,
    RecordedRun,
    RunState,
)
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.names.prefect_names import SKIPPED_RUN, flow_name
from floe_orchestrator_prefect.service.server_access import ServerAccess, access_from

# The most that Prefect returns at once.
PAGE = 200
_STATES: Mapping[str, RunState] = {
    "SCHEDULED": "queued",
    "PENDING": "queued",
    "RUNNING": "running",
    "CANCELLING": "running",
    "PAUSED": "running",
    "COMPLETED": "success",
    "FAILED": "failed",
    "CRASHED": "failed",
    "CANCELLED": "canceled",
}
UNDER_WAY = ["PENDING", "RUNNING", "CANCELLING", "PAUSED"]
# The names of states that a node's own result gave; see `state_of`.
_NAMED: Mapping[str, NodeState] = {"Warned": "warn", "Cached": "reused", "Skipped": "skipped"}
_OF_TASK: Mapping[str, NodeState] = {
    "SCHEDULED": "pending",
    "PENDING": "pending",
    "RUNNING": "running",
    "CANCELLED": "skipped",
}


class RefusedError(Exception):
    """The server responded but did not do what was requested."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server, and the moment of the monotonic clock at which to give up."""

    access: ServerAccess
    deadline: float

    @classmethod
    def of(cls, settings: Mapping[str, Any], seconds: float) -> Server:
        """Return the server that settings name, for so many seconds."""
        try:
            access = access_from(settings)
        except ValueError as error:
            raise RefusedError(str(error)) from None
        if access is None:
            raise RefusedError("no server is named: set `url`, or PREFECT_API_URL")
        return cls(access, time.monotonic() + seconds)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return what the server answers, None if that is nothing."""
        answer = send_request(
            method,
            f"{self.access.url}{path}",
            json_body=body,
            headers=self.access.headers,
            deadline=self.deadline,
        )
        if answer.status >= 300:
            raise RefusedError(f"{path} answers with HTTP {answer.status}")
        return json.loads(answer.body) if answer.body else None

    def pages(self, path: str, body: Mapping[str, Any], most: int) -> Iterator[Mapping[str, Any]]:
        """Yield the objects that match, a page at a time."""
        for offset in range(0, most, PAGE):
            page = self.ask("POST", path, {**body, "limit": PAGE, "offset": offset})
            yield from page
            if len(page) < PAGE:
                return


def recent_runs(
    products: Sequence[CompiledArtifacts],
    since: datetime | None,
    most: int,
    seconds: float,
    settings: Mapping[str, Any],
) -> list[RecordedRun]:
    """See `RunHistory`."""
    jobs = {flow_name(each, job): (each, job.name) for each in products for job in each.jobs}
    found: dict[str, RecordedRun] = {}
    try:
        server = Server.of(settings, seconds)
        flows = {str(each["id"]): jobs[each["name"]] for each in flows_named(server, sorted(jobs))}
        ids = {"id": {"any_": sorted(flows)}}
        for wanted in _wanted(since) if flows else ():
            body = {"flows": ids, "flow_runs": wanted, "sort": "EXPECTED_START_TIME_DESC"}
            for run in server.pages("/flow_runs/filter", body, most):
                if not _is_planned(run):
                    product, job = flows[run["flow_id"]]
                    found[run["id"]] = recorded(run, product.product.name, job, server.access.url)
    except (RefusedError, NoAnswerError, KeyError, TypeError, ValueError) as error:
        raise problem(error) from None
    return sorted(found.values(), key=lambda run: run.created_at, reverse=True)[:most]


def nodes_of_run(
    product: CompiledArtifacts, run: RecordedRun, seconds: float, settings: Mapping[str, Any]
) -> NodesOfRun:
    """See `RunHistory`. Each node has a task run, whose key is the node's id."""
    chosen = {"flow_runs": {"id": {"any_": [run.run_id]}}}
    try:
        server = Server.of(settings, seconds)
        [found] = server.pages("/flow_runs/filter", chosen, PAGE)
        nodes = [
            _node(each)
            for each in server.pages("/task_runs/filter", chosen, 100 * PAGE)
            if each["dynamic_key"] in product.by_id
        ]
    except (RefusedError, NoAnswerError, KeyError, TypeError, ValueError) as error:
        raise problem(error) from None
    state = found.get("state") or {}
    is_bad = state.get("type") in ("FAILED", "CRASHED")
    return NodesOfRun(tuple(nodes), str(state.get("message") or "") if is_bad else "")


def flows_named(server: Server, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the flows of these names."""
    body = {"flows": {"name": {"any_": list(names)}}}
    return server.pages("/flows/filter", body, len(names) + 1)


def _wanted(since: datetime | None) -> Iterator[dict[str, Any]]:
    """Yield the filters that together match the runs that changed since a moment."""
    if since is None:
        yield {"expected_start_time": {"before_": datetime.now(UTC).isoformat()}}
        return
    now, moment = datetime.now(UTC).isoformat(), since.isoformat()
    yield {"expected_start_time": {"after_": moment, "before_": now}}
    yield {"end_time": {"after_": moment}}
    yield {"state": {"type": {"any_": UNDER_WAY}}}


def _is_planned(run: Mapping[str, Any]) -> bool:
    """Return whether a run has not begun, or was one for a time that is none of floe's ticks."""
    state = run.get("state") or {}
    is_future = state.get("name") == "Scheduled" and not run.get("start_time")
    return is_future or (state.get("name") == SKIPPED_RUN and state.get("type") == "CANCELLED")


def recorded(run: Mapping[str, Any], product: str, job: str, url: str) -> RecordedRun:
    """Return a flow run as floe shows it."""
    run_id, tries = str(run["id"]), max(int(run.get("run_count") or 0), 1)
    created = as_moment(run.get("expected_start_time")) or as_moment(run["created"])
    assert created is not None
    return RecordedRun(
        product=product,
        job=job,
        run_id=run_id,
        state=_STATES.get(str(run.get("state_type")), "running"),
        created_at=created,
        started_at=as_moment(run.get("start_time")),
        ended_at=as_moment(run.get("end_time")),
        nominal_time=_nominal_time(run),
        link=f"{url.removesuffix('/api')}/runs/flow-run/{run_id}",
        build_ids=(run_id, *(f"{run_id}.{number}" for number in range(2, tries + 1))),
    )


def _nominal_time(run: Mapping[str, Any]) -> datetime | None:
    given = (run.get("parameters") or {}).get("nominal_time")
    return as_moment(
        given or (run.get("expected_start_time") if run.get("auto_scheduled") else None)
    )


def _node(run: Mapping[str, Any]) -> RecordedNode:
    state = run.get("state") or {}
    kind, name, node_id = str(state.get("type")), str(state.get("name")), str(run["dynamic_key"])
    is_test = node_id.startswith(("test.", "unit_test."))
    ended: NodeState = "pass" if is_test else "success"
    failed: NodeState = "fail" if is_test else "error"
    by_type = ended if kind == "COMPLETED" else _OF_TASK.get(kind, failed)
    return RecordedNode(
        node_id,
        _NAMED.get(name, by_type),
        seconds=run.get("total_run_time"),
        message=str(state.get("message") or ""),
    )


def as_moment(text: Any) -> datetime | None:
    """Return a time of the server in UTC."""
    if not text:
        return None
    moment = datetime.fromisoformat(str(text))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def problem(error: Exception) -> EnvironmentProblemError:
    """Return the error for what a request to it raised."""
    is_known = isinstance(error, RefusedError | NoAnswerError)
    told = str(error) if is_known else "its response is not Prefect's"
    return EnvironmentProblemError(f"Prefect could not be queried for its runs: {told}")
