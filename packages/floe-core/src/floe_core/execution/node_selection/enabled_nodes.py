"""Find the nodes that only the vars of a run enable, among those that it selects."""

from __future__ import annotations

from floe_core.dbt.invocation import own_vars, run_vars
from floe_core.execution.node_selection.list_nodes import nodes_listed, selection_arguments
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import Job


def enabled_nodes(artifacts: CompiledArtifacts, request: BuildRequest) -> tuple[Node, ...]:
    """Return the nodes that dbt would build in this run, and that the compiled graph lacks.

    They have only what names them. There are none in a run without vars, in one of several builds
    of a run, and in a product with steps, whose place in dbt's graph is not known.
    """
    parameters = request.parameters
    if not (parameters.vars and request.adds_enabled) or request.part or artifacts.steps:
        return ()
    given = {**own_vars(artifacts, request), **run_vars(request)}
    listed = [nodes_listed(artifacts, each, given) for each in _selections(artifacts, request)]
    types = parameters.resource_types
    return tuple(
        node
        for node_id, node in sorted(listed[0].items())
        if node_id not in artifacts.by_id
        and (not types or node.resource_type in types)
        and all(node_id in others for others in listed[1:])
    )


def _selections(artifacts: CompiledArtifacts, request: BuildRequest) -> list[list[str]]:
    """Return dbt's arguments for the selection of the run and for that of its job."""
    parameters, job = request.parameters, artifacts.job(request.job)
    of_run = selection_arguments(parameters.select, parameters.exclude)
    # A selection of a run takes the place of dbt's default selector, which is the product's own.
    is_default = bool(job.selector) and job.selector == artifacts.dbt.default_selector
    of_job = [] if is_default else _selection_of(job)
    return [each for each in (of_run, of_job) if each] or [[]]


def _selection_of(job: Job) -> list[str]:
    if job.selector:
        return ["--selector", job.selector]
    return selection_arguments(job.select, job.exclude)
