"""The Airflow Asset of a dbt relation, the same wherever the product runs."""

from __future__ import annotations

from airflow.sdk import Asset
from pydantic import JsonValue

from floe_core.runs.build_events import NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node, source_name
from floe_core.schemas.policies import Job
from floe_orchestrator_airflow.names.product_assets import asset_at, floe_asset
from floe_orchestrator_airflow.task.result_facts import facts_of_result

Facts = dict[str, JsonValue]


def node_asset(artifacts: CompiledArtifacts, node: Node) -> Asset:
    """Return the asset of a model, seed or snapshot; of an input port, that of its producer.

    Its URI names no warehouse, host or schema: these differ between environments, and a DAG that
    waits for the asset should not. It has no `extra`: Airflow keeps that of the DAG file it parsed
    last, and a consumer's file has none. The facts about the node are on each event.
    """
    port = artifacts.ports_read.get(node.unique_id)
    if port is not None:
        return floe_asset(port.product, port.label)
    return floe_asset(artifacts.product.name, _label(artifacts, node))


def built_assets(artifacts: CompiledArtifacts, node: Node) -> list[Asset]:
    """Return the assets of what a node builds: one of a relation, one for each write of a step."""
    if node.is_relation:
        return [node_asset(artifacts, node)]
    step = artifacts.steps_by_id.get(node.unique_id)
    if step is None:
        return []
    sources = (source_name(artifacts.by_id[source]) for source in step.sources)
    return [_dataset_asset(artifacts, name) for name in (*sources, *step.datasets)]


def read_assets(artifacts: CompiledArtifacts, job: Job) -> list[Asset]:
    """Return the assets of the ports that a job reads, or is started by: those of who builds them.

    So Airflow's graph goes on from the DAG of one product to that of the next.
    """
    read = {parent for node in artifacts.nodes_of(job) for parent in node.depends_on}
    started_by = job.trigger.ports if job.trigger else ()
    ports = [p for p in artifacts.input_ports if p.node_id in read or p.key in started_by]
    return [floe_asset(port.product, port.label) for port in ports if port.label]


def _dataset_asset(artifacts: CompiledArtifacts, name: str) -> Asset:
    """Return the asset of what a step writes: a URL is its own name on Airflow."""
    product = artifacts.product.name
    return asset_at(name, product) if "://" in name else floe_asset(product, name)


def asset_event_facts(node: Node, result: NodeResult) -> Facts:
    """Return the facts about the node and its run for the event of an asset."""
    names = {"unique_id": node.unique_id}
    if node.is_relation:
        names["relation"] = relation(node)
    return {**names, **facts_of_result(result)}


def relation(node: Node) -> str:
    """Return the name of the node's table or view, as far as the artifacts have it."""
    parts = (node.database, node.schema_name, node.identifier or node.name)
    return ".".join(part for part in parts if part)


def _label(artifacts: CompiledArtifacts, node: Node) -> str:
    is_own = node.package == artifacts.dbt.project_name
    return node.label if is_own else f"{node.package}/{node.label}"
