"""What a flow run is asked to build, and what its own earlier tries have left of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from prefect.runtime import flow_run

from floe_core.execution import BuildRequest, results_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_core.time_range import TimeRange


def request_of(
    artifacts: CompiledArtifacts,
    job: Job,
    node_ids: Sequence[str] | None,
    nominal_time: datetime | None,
    time_range: TimeRange | None,
) -> BuildRequest:
    """Return the request of the flow run under way, its first attempt.

    A flow run that somebody retries by hand goes on with what has not passed in it, failed tests
    included, since their cause may have been mended.
    """
    tries = int(flow_run.run_count or 1)
    todo = _left(artifacts, job, node_ids, tries)
    return BuildRequest(
        job=job.name,
        run_id=_run_id(tries),
        node_ids=todo,
        attempt=(tries - 1) * (artifacts.retries + 1) + 1,
        nominal_time=_utc(nominal_time) if nominal_time else None,
        range=time_range,
    )


def wanted_of(artifacts: CompiledArtifacts, request: BuildRequest) -> tuple[str, ...]:
    """Return the ids of the nodes that a request names, all of its job where it names none."""
    if request.node_ids is not None:
        return request.node_ids
    return tuple(node.unique_id for node in artifacts.nodes_of(artifacts.job(request.job)))


def _left(
    artifacts: CompiledArtifacts, job: Job, node_ids: Sequence[str] | None, tries: int
) -> tuple[str, ...] | None:
    chosen = tuple(sorted(node_ids)) if node_ids is not None else None
    if tries == 1 or artifacts.project_dir is None:
        return chosen
    passed: set[str] = set()
    for earlier in range(1, tries):
        results = results_of(artifacts, _run_id(earlier))
        passed |= {node_id for node_id, result in results.items() if result.passed}
    whole = chosen or tuple(node.unique_id for node in artifacts.nodes_of(job))
    return tuple(node_id for node_id in whole if node_id not in passed) or chosen


def _run_id(tries: int) -> str:
    return str(flow_run.id) if tries == 1 else f"{flow_run.id}.{tries}"


def _utc(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
