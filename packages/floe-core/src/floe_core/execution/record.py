"""What the attempts of a run have come to so far, for plugins that decide about another one."""

from __future__ import annotations

from floe_core.build_events import NodeResult
from floe_core.build_request import BuildRequest
from floe_core.errors import UsageError
from floe_core.execution.journal import latest_results, read_events
from floe_core.execution.resume import failures_in, remaining
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def results_of(artifacts: CompiledArtifacts, run_id: str) -> dict[str, NodeResult]:
    """Return node id -> its last result in a run; nothing for a run that has not begun.

    Raises:
        UsageError: The artifacts come from no folder.
    """
    if artifacts.project_dir is None:
        raise UsageError("these artifacts come from no folder; use CompiledArtifacts.load(folder)")
    return latest_results(read_events(artifacts.project_dir, run_id))


def left_to_do(artifacts: CompiledArtifacts, request: BuildRequest) -> tuple[str, ...]:
    """Return the ids of the nodes that another attempt of this request would run.

    None of them: a retry has nothing to do, however the attempts before it ended.
    """
    results = results_of(artifacts, request.run_id)
    wanted = request.node_ids
    if wanted is None:
        wanted = tuple(node.unique_id for node in artifacts.nodes_of(artifacts.job(request.job)))
    assert artifacts.project_dir is not None
    failures = failures_in(read_events(artifacts.project_dir, request.run_id))
    return remaining(artifacts, wanted, results, failures)
