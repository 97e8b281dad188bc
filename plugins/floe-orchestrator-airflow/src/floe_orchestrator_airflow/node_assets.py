"""The Airflow Asset of a dbt relation, the same wherever the product runs."""

from __future__ import annotations

from airflow.sdk import Asset
from pydantic import JsonValue

from floe_core.build_events import NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node

Facts = dict[str, JsonValue]


def node_asset(artifacts: CompiledArtifacts, node: Node) -> Asset:
    """Return the asset of a model, seed or snapshot.

    The URI is `floe://<product>/<name>`, with the package for what another dbt package brings. It
    names no warehouse, host or schema: these differ between environments, and a DAG that waits for
    the asset should not.
    """
    product = artifacts.product.name
    label = _label(artifacts, node)
    facts: Facts = {"unique_id": node.unique_id, "relation": relation(node)}
    return Asset(
        name=f"{product}/{label}", uri=f"floe://{product}/{label}", group=product, extra=facts
    )


def asset_event_facts(result: NodeResult) -> Facts:
    """Return what the event of an asset tells of the node's run."""
    facts: Facts = {"status": result.status, "seconds": result.seconds}
    if result.rows is not None:
        facts["rows"] = result.rows
    return facts


def relation(node: Node) -> str:
    """Return the name of the node's table or view, as far as the artifacts tell."""
    parts = (node.database, node.schema_name, node.identifier or node.name)
    return ".".join(part for part in parts if part)


def _label(artifacts: CompiledArtifacts, node: Node) -> str:
    is_own = node.package == artifacts.dbt.project_name
    return node.label if is_own else f"{node.package}/{node.label}"
