"""What a flow run is asked to build, and what its earlier tries have left of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from floe_core.build_events import NodeResult
from floe_core.execution import BuildRequest, results_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_core.time_range import TimeRange
from floe_orchestrator_prefect.task.run_history import RunHistory


def request_of(
    artifacts: CompiledArtifacts,
    job: Job,
    node_ids: Sequence[str] | None,
    nominal_time: datetime | None,
    time_range: TimeRange | None,
) -> BuildRequest:
    """Return the request of the flow run under way, its first attempt.

    A flow run that is retried goes on with what has not passed in it, failed tests included, since
    their cause may have been fixed. A retry by hand of a run in which everything passed builds
    everything again; the retry of a flow that called it builds nothing: `node_ids` is empty.
    """
    history = RunHistory.of_this_run()
    return BuildRequest(
        job=job.name,
        run_id=history.build_id,
        node_ids=_left(artifacts, job, node_ids, history),
        attempt=len(history.earlier) * (artifacts.retries + 1) + 1,
        nominal_time=_utc(nominal_time) if nominal_time else None,
        range=time_range,
    )


def wanted_of(artifacts: CompiledArtifacts, request: BuildRequest) -> tuple[str, ...]:
    """Return the ids of the nodes that a request names, all of its job where it names none."""
    if request.node_ids is not None:
        return request.node_ids
    return tuple(node.unique_id for node in artifacts.nodes_of(artifacts.job(request.job)))


def results_so_far(artifacts: CompiledArtifacts) -> dict[str, NodeResult]:
    """Return node id -> its last result in the flow run under way, earlier tries included."""
    history = RunHistory.of_this_run()
    return _results(artifacts, (*history.earlier, history.build_id))


def _left(
    artifacts: CompiledArtifacts, job: Job, node_ids: Sequence[str] | None, history: RunHistory
) -> tuple[str, ...] | None:
    chosen = tuple(sorted(node_ids)) if node_ids is not None else None
    if not history.earlier or artifacts.project_dir is None:
        return chosen
    results = _results(artifacts, history.earlier)
    whole = chosen or tuple(node.unique_id for node in artifacts.nodes_of(job))
    left = tuple(node_id for node_id in whole if not _has_passed(node_id, results))
    return left if left or history.is_subflow else chosen


def _results(artifacts: CompiledArtifacts, builds: Sequence[str]) -> dict[str, NodeResult]:
    found: dict[str, NodeResult] = {}
    for build_id in builds:
        found.update(results_of(artifacts, build_id))
    return found


def _has_passed(node_id: str, results: Mapping[str, NodeResult]) -> bool:
    return node_id in results and results[node_id].passed


def _utc(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
