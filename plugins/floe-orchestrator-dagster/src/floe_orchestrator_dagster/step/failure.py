"""What Dagster is told when a build did not succeed, and whether it may try again."""

from __future__ import annotations

from dagster import Failure

from floe_core.execution import (
    BuildEnded,
    BuildRequest,
    NodeResult,
    failures_in,
    latest_results,
    read_events,
    remaining,
)
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def failure_of(artifacts: CompiledArtifacts, request: BuildRequest, end: BuildEnded) -> Failure:
    """Return the failure of a build.

    Dagster may retry it only while another attempt would have something to do: a failed test is a
    verdict, and so is what it holds back.
    """
    assert artifacts.project_dir is not None
    events = read_events(artifacts.project_dir, request.run_id)
    results = latest_results(events)
    wanted = _wanted(artifacts, request)
    culprits = [results[id_] for id_ in wanted if id_ in results and _is_culprit(results[id_])]
    lines = [f"{result.unique_id}: {result.message or result.status}" for result in culprits]
    return Failure(
        description="\n".join([end.message or "not every node passed", *lines]),
        allow_retries=bool(remaining(artifacts, wanted, results, failures_in(events))),
    )


def _wanted(artifacts: CompiledArtifacts, request: BuildRequest) -> tuple[str, ...]:
    if request.node_ids is not None:
        return request.node_ids
    return tuple(node.unique_id for node in artifacts.nodes_of(artifacts.job(request.job)))


def _is_culprit(result: NodeResult) -> bool:
    return result.status in ("error", "fail")
