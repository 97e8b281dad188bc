"""Build one node of a product, inside a task run of its own."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from difflib import get_close_matches
from typing import Any

from prefect import get_run_logger
from prefect.context import TaskRunContext
from prefect.runtime import task_run

from floe_core.execution import (
    BuildEnded,
    BuildRequest,
    NodeLog,
    NodeResult,
    build,
    failure_of_build,
)
from floe_core.foundation.errors import UsageError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_orchestrator_prefect.task.build_failure import LEVELS, BuildFailedError
from floe_orchestrator_prefect.task.node_slots import node_slots


def build_one_node(
    artifacts: CompiledArtifacts, node: Node, facts: Mapping[str, Any] | None = None
) -> None:
    """Build only this node, without its tests; it logs to the current task run.

    `facts` are added to the metadata of the assets that the task materializes.

    Raises:
        BuildFailedError: The build failed.
    """
    log = get_run_logger()
    request = BuildRequest(
        job=artifacts.jobs[0].name,
        run_id=str(task_run.id),
        node_ids=(node.unique_id,),
        attempt=int(task_run.run_count or 1),
        # A task that names its node always builds it.
        may_reuse=False,
    )
    with node_slots(artifacts) as slots, closing(build(artifacts, request, slots)) as events:
        for event in events:
            if isinstance(event, NodeLog):
                log.log(LEVELS[event.level], "%s", event.text)
            elif isinstance(event, NodeResult):
                _note(facts or {}, event)
            elif isinstance(event, BuildEnded) and not event.succeeded:
                raise BuildFailedError(failure_of_build(artifacts, request, event))


def _note(facts: Mapping[str, Any], result: NodeResult) -> None:
    """Add the facts to the assets of the current task, if it has any."""
    context = TaskRunContext.get()
    metadata = {**facts, "seconds": result.seconds, "rows": result.rows, "status": result.status}
    for asset in getattr(context.task, "assets", None) or () if context else ():
        asset.add_metadata({name: value for name, value in metadata.items() if value is not None})


def node_named(artifacts: CompiledArtifacts, name: str) -> Node:
    """Return the model, seed or snapshot with this name.

    Raises:
        UsageError: There is none, or more than one.
    """
    found = [node for node in artifacts.nodes if node.is_relation and node.name == name]
    own = [node for node in found if node.package == artifacts.dbt.project_name]
    chosen = own if len(found) > 1 else found
    if len(chosen) == 1:
        return chosen[0]
    if found:
        raise UsageError(f"'{name}' names several: {', '.join(node.unique_id for node in found)}")
    names = sorted({node.name for node in artifacts.nodes if node.is_relation})
    near = get_close_matches(name, names, n=3) or names[:10]
    raise UsageError(f"{artifacts.product.name} builds nothing named '{name}': {', '.join(near)}")
