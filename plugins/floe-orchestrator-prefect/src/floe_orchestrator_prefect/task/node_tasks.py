"""The Prefect task and asset of each node. A task called on its own builds only its node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect.assets import Asset, AssetProperties
from prefect.cache_policies import NO_CACHE
from prefect.tasks import MaterializingTask, Task

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node, Step
from floe_core.schemas.policies import Job
from floe_core.schemas.ports import InputPort
from floe_orchestrator_prefect.names.prefect_names import asset_key, asset_key_at, node_names
from floe_orchestrator_prefect.task.one_node import build_one_node

# Prefect rejects a longer one.
LONGEST_DESCRIPTION = 2500

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


def node_assets(artifacts: CompiledArtifacts) -> dict[str, Asset]:
    """Return node id -> asset, for all nodes that write data, all sources and all input ports.

    The asset of an input port is its producer's, so that Prefect's graph continues from there.
    """
    names = node_names(artifacts)
    own = {
        node.unique_id: _asset(artifacts, node, names[node.unique_id])
        for node in artifacts.nodes
        if node.is_relation or node.resource_type == "source"
    }
    ports = artifacts.ports_read.items()
    return own | {i: Asset(key=asset_key(port.product, _name(port))) for i, port in ports}


def step_assets(artifacts: CompiledArtifacts, step: Step, sources: dict[str, Asset]) -> list[Asset]:
    """Return the assets of the datasets that a step writes, including dbt sources.

    `sources` maps ids of sources to assets. A URL is its own key.
    """
    product = artifacts.product.name
    names = step.datasets
    keys = (asset_key_at(name) if "://" in name else asset_key(product, name) for name in names)
    return [*(sources[source] for source in step.sources), *(Asset(key=key) for key in keys)]


def _name(port: InputPort) -> str:
    """Return the name of the node behind a port, without its dbt package, as Prefect shows it."""
    return port.label.rpartition("/")[2]


def _asset(artifacts: CompiledArtifacts, node: Node, name: str) -> Asset:
    owners = list(node.owners) or [owner for owner in (artifacts.product.owner,) if owner]
    return Asset(
        key=asset_key(artifacts.product.name, name),
        properties=AssetProperties(
            name=name,
            description=node.description[:LONGEST_DESCRIPTION] or None,
            owners=owners or None,
        ),
    )
