"""Find the nodes that a request wants built by the end of the run, in any of its attempts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from floe_core.foundation.errors import UsageError
from floe_core.runs.build_request import BuildRequest
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.node_graph import with_freshness

# As `chosen_nodes`, which may be called in another process.
ChooseNodes = Callable[[CompiledArtifacts, RunParameters, Iterable[str]], tuple[str, ...]]
_WITH_VARS = "; nodes that only the run's vars enable have to be selected along with another"


def wanted_nodes(artifacts: CompiledArtifacts, request: BuildRequest) -> tuple[str, ...]:
    """Return the ids of the nodes that the request names or selects, else of its job, sorted.

    Raises:
        UsageError: The product has no such job or no such node, or the selection matches none.
    """
    if request.node_ids is None:
        of_job = nodes_of_job(artifacts, request.job)
        return chosen_nodes(artifacts, request.parameters, of_job)
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


def chosen_nodes(
    artifacts: CompiledArtifacts, parameters: RunParameters, among: Iterable[str]
) -> tuple[str, ...]:
    """Return the ids, among those given, of the nodes that a run's parameters select, sorted.

    Without a selection in the parameters, returns all of them. dbt evaluates the selection; then
    resource types are left out, as in `dbt build`.

    Raises:
        UsageError: dbt rejects the selection, or it matches none of these nodes.
    """
    ids = tuple(sorted(set(among)))
    if not parameters.narrows:
        return ids
    types = parameters.resource_types
    taken = _ids_listed(artifacts, parameters) if parameters.select or parameters.exclude else ids
    found = tuple(
        node_id
        for node_id in ids
        if node_id in taken and (not types or artifacts.by_id[node_id].resource_type in types)
    )
    among_nodes = (artifacts.by_id[node_id] for node_id in ids)
    found = with_freshness(_that_dbt_runs(artifacts, found), among_nodes)
    if not found:
        message = f"{parameters.selection}: selects no node of {artifacts.product.name}"
        raise UsageError(message + (_WITH_VARS if parameters.vars else ""))
    return found


def _that_dbt_runs(artifacts: CompiledArtifacts, found: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out unit tests without their model; dbt runs those only if there are only tests."""
    if all(artifacts.by_id[node_id].is_test for node_id in found):
        return found
    return tuple(
        node_id
        for node_id in found
        if artifacts.by_id[node_id].resource_type != "unit_test"
        or artifacts.by_id[node_id].tested in found
    )


def _ids_listed(artifacts: CompiledArtifacts, parameters: RunParameters) -> frozenset[str]:
    # Loading a product does not require dbt.
    from floe_core.execution.node_selection.list_nodes import ids_listed

    return ids_listed(artifacts, parameters.select, parameters.exclude)
