"""The Prefect event that a green run emits for each port that it updated."""

from __future__ import annotations

from collections.abc import Mapping

from prefect.events import emit_event

from floe_core.runs.build_events import NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.ports import Port, port_key
from floe_orchestrator_prefect.names.prefect_names import asset_key, node_names

UPDATED = "floe.port.updated"


def emit_updated_ports(artifacts: CompiledArtifacts, results: Mapping[str, NodeResult]) -> None:
    """Emit the event for each port whose node was built, but not if it was reused.

    A team's automations can be triggered by it; its resource is the asset of the port's relation.
    """
    for port in artifacts.ports:
        result = results.get(port.node_id)
        if result is not None and result.is_new:
            emit_event(UPDATED, resource_of(artifacts, port), payload={"rows": result.rows})


def resource_of(artifacts: CompiledArtifacts, port: Port) -> dict[str, str]:
    """Return a port as the resource of an event, which automations can match."""
    product = artifacts.product
    return {
        "prefect.resource.id": asset_key(product.name, node_names(artifacts)[port.node_id]),
        "prefect.resource.name": port.name,
        "floe.port": port_key(product.name, port.name, port.version),
        "floe.product": product.name,
        "floe.product.version": product.version,
    }
