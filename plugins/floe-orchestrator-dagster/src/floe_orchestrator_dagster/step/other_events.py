"""What a step logs about assets and tests that are no outputs of it."""

from __future__ import annotations

from collections.abc import Iterator

from dagster import AssetMaterialization, AssetObservation, MetadataValue

from floe_core.execution import BuildRequest, NodeResult, source_loaded_at
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.step.node_results import materialization, test_metadata
from floe_orchestrator_dagster.step.step_nodes import NodesOfStep, StepNodes

Logged = AssetMaterialization | AssetObservation


def other_events(
    artifacts: CompiledArtifacts,
    request: BuildRequest,
    result: NodeResult,
    nodes: StepNodes,
    defined: NodesOfStep,
) -> Iterator[Logged]:
    """Yield the events of a result beside its outputs."""
    yield from _of_other_datasets(result, nodes)
    if result.status == "skipped":
        return
    node = artifacts.by_id[result.unique_id]
    if node.unique_id in defined.unshown:
        # As dagster-dbt does for a test that is no check.
        for key in (defined.keys[i] for i in node.depends_on if i in defined.keys):
            yield AssetObservation(key, result.message or None, test_metadata(result))
    if node.is_freshness and node.tested in defined.keys:
        loaded_at = source_loaded_at(artifacts, request, node.tested)
        if loaded_at is not None:
            # Dagster's own freshness checks of the source read it.
            metadata = {"dagster/last_updated_timestamp": MetadataValue.timestamp(loaded_at)}
            yield AssetObservation(defined.keys[node.tested], metadata=metadata)


def _of_other_datasets(result: NodeResult, nodes: StepNodes) -> Iterator[Logged]:
    """Yield the datasets that a step of floe.yaml wrote although this run did not select them."""
    if result.unique_id not in nodes.keys or result.status != "success":
        return
    for key in nodes.other_keys.get(result.unique_id, ()):
        made = materialization(result, key, nodes.datasets.get(key, ""))
        yield AssetMaterialization(key, metadata=made.metadata)
