"""The nodes that a request wants built, by the end of the run if not by this attempt."""

from __future__ import annotations

from floe_core.build_request import BuildRequest
from floe_core.errors import UsageError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def wanted_nodes(artifacts: CompiledArtifacts, request: BuildRequest) -> tuple[str, ...]:
    """Return their ids, sorted: those that the request names, otherwise all of its job's.

    Raises:
        UsageError: The product has no such job, or no such node.
    """
    if request.node_ids is None:
        return nodes_of_job(artifacts, request.job)
    known = {node.unique_id for node in artifacts.runnable}
    unknown = sorted(set(request.node_ids) - known)
    if unknown:
        raise UsageError(f"{artifacts.product.name} has no node {', '.join(unknown)}")
    return tuple(sorted(set(request.node_ids)))


def nodes_of_job(artifacts: CompiledArtifacts, job_name: str) -> tuple[str, ...]:
    """Return the ids of a job's nodes, sorted.

    Raises:
        UsageError: The product has no such job.
    """
    return tuple(node.unique_id for node in artifacts.nodes_of(artifacts.job(job_name)))
