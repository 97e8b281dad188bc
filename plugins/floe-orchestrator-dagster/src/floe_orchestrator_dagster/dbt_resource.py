"""A product's dbt project as a Dagster resource."""

from __future__ import annotations

from contextlib import closing
from difflib import get_close_matches

from dagster import AssetExecutionContext, ConfigurableResource, Failure, MaterializeResult

from floe_core.execution import (
    BuildEnded,
    BuildRequest,
    NodeLog,
    NodeResult,
    build,
    failure_of_build,
)
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_orchestrator_dagster.step.node_results import log_node_line, materialization


class FloeDbtResource(ConfigurableResource[None]):
    """Builds nodes of the product compiled in `project_dir`."""

    project_dir: str

    def build_node(self, name: str, context: AssetExecutionContext) -> MaterializeResult[None]:
        """Build the model, seed or snapshot called `name`, without its tests, for this step.

        Raises:
            Failure: There is no such node, or its build failed.
        """
        artifacts = CompiledArtifacts.load(self.project_dir)
        request = BuildRequest(
            job=artifacts.jobs[0].name,
            run_id=f"{context.run_id}.{name}",
            node_ids=(_node_named(name, artifacts).unique_id,),
            attempt=context.retry_number + 1,
            # An asset that names its node always builds it.
            may_reuse=False,
        )
        return materialization(_result(artifacts, request, context), context.asset_key)


def _node_named(name: str, artifacts: CompiledArtifacts) -> Node:
    found = [node for node in artifacts.nodes if node.is_relation and node.name == name]
    own = [node for node in found if node.package == artifacts.dbt.project_name]
    chosen = own if len(found) > 1 else found
    if len(chosen) != 1:
        raise Failure(_not_one(name, found, artifacts), allow_retries=False)
    return chosen[0]


def _not_one(name: str, found: list[Node], artifacts: CompiledArtifacts) -> str:
    if found:
        return f"'{name}' names several: {', '.join(node.unique_id for node in found)}"
    names = sorted({node.name for node in artifacts.nodes if node.is_relation})
    near = get_close_matches(name, names, n=3) or names[:10]
    return f"{artifacts.product.name} builds nothing named '{name}'; it has {', '.join(near)}"


def _result(
    artifacts: CompiledArtifacts, request: BuildRequest, context: AssetExecutionContext
) -> NodeResult:
    result: NodeResult | None = None
    end = BuildEnded(succeeded=False, message="the build ended without a result")
    with closing(build(artifacts, request)) as events:
        for event in events:
            if isinstance(event, NodeLog):
                log_node_line(context.log, event)
            elif isinstance(event, NodeResult):
                result = event
            elif isinstance(event, BuildEnded):
                end = event
    if not end.succeeded or result is None:
        failure = failure_of_build(artifacts, request, end)
        raise Failure(failure.text, allow_retries=failure.may_retry)
    return result
