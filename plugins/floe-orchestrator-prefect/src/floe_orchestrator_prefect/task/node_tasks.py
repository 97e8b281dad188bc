"""The Prefect task of each node. Called on its own in a flow, it builds only that node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect.assets import Asset
from prefect.cache_policies import NO_CACHE
from prefect.tasks import MaterializingTask, Task

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import Job
from floe_orchestrator_prefect.names.prefect_names import node_names
from floe_orchestrator_prefect.task.node_assets import node_assets, step_assets
from floe_orchestrator_prefect.task.one_node import build_one_node

NodeTask = Task[..., Any]


def node_tasks(artifacts: CompiledArtifacts, job: Job) -> dict[str, NodeTask]:
    """Return node id -> task, for a job's nodes.

    The assets that a task depends on are the node's own dependencies, sources included.
    """
    names, assets = node_names(artifacts), node_assets(artifacts)
    return {
        node.unique_id: _task(artifacts, node, names[node.unique_id], assets)
        for node in artifacts.nodes_of(job)
    }


def _task(
    artifacts: CompiledArtifacts, node: Node, name: str, assets: dict[str, Asset]
) -> NodeTask:
    options: dict[str, Any] = {
        "name": name,
        "description": node.description or None,
        "tags": node.tags,
        "asset_deps": [assets[parent] for parent in node.depends_on if parent in assets],
        "cache_policy": NO_CACHE,
        "persist_result": False,
    }
    body = _body(artifacts, node)
    step = artifacts.steps_by_id.get(node.unique_id)
    if step is not None:
        own, by = step_assets(artifacts, step, assets), "floe"
    else:
        own, by = [assets[node.unique_id]] if node.unique_id in assets else [], "dbt"
    if own:
        return MaterializingTask(fn=body, assets=own, materialized_by=by, **options)
    return Task(fn=body, **options)


def _body(artifacts: CompiledArtifacts, node: Node) -> Callable[[], None]:
    def build_node() -> None:
        build_one_node(artifacts, node)

    return build_node
