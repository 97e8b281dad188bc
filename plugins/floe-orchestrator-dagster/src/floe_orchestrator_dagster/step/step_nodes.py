"""The nodes selected for a step, and their keys in Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dagster import AssetCheckKey, AssetKey, OpExecutionContext

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.names.step_assets import DATASET_METADATA


@dataclass(frozen=True, slots=True)
class StepNodes:
    """Node id -> the keys of the assets to build, and of the check to run, in this step.

    The keys come from the definitions that the step runs in, as a team may have changed them.
    `other_keys` are keys of the same nodes that were not selected: a step of floe.yaml always
    writes all its datasets. `datasets` are the names in floe.yaml of the datasets of steps.
    """

    keys: Mapping[str, tuple[AssetKey, ...]]
    other_keys: Mapping[str, tuple[AssetKey, ...]]
    check_keys: Mapping[str, AssetCheckKey]
    datasets: Mapping[AssetKey, str]

    @classmethod
    def of(cls, context: OpExecutionContext, node_ids: Mapping[str, str]) -> StepNodes:
        """Return the nodes selected for a step, given output name -> node id."""
        keys = context.assets_def.keys_by_output_name
        every_key = context.assets_def.node_keys_by_output_name
        others = {output: key for output, key in every_key.items() if output not in keys}
        checks = context.assets_def.check_specs_by_output_name
        specs = context.assets_def.specs_by_key.items()
        return cls(
            _by_node(node_ids, keys),
            _by_node(node_ids, others),
            {node_ids[output]: spec.key for output, spec in checks.items()},
            {key: str(spec.metadata.get(DATASET_METADATA, "")) for key, spec in specs},
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all these nodes, sorted."""
        return tuple(sorted([*self.keys, *self.check_keys]))


def with_functions(artifacts: CompiledArtifacts, node_ids: tuple[str, ...]) -> tuple[str, ...]:
    """Return the nodes and the functions of dbt that go with them, sorted; those have no asset.

    All functions go with the whole product, else those that one of the nodes depends on.
    """
    functions = {node.unique_id for node in artifacts.built if node.resource_type == "function"}
    if not functions:
        return node_ids
    rest = {node.unique_id for node in artifacts.built} - functions
    if not rest <= {*node_ids}:
        functions &= {above for i in node_ids for above in artifacts.by_id[i].depends_on}
    return tuple(sorted({*node_ids, *functions}))


def nodes_of_run(context: OpExecutionContext, node_ids: Mapping[str, str]) -> tuple[str, ...]:
    """Return the ids of the nodes selected for all of a product's steps in a run, sorted.

    `node_ids` maps output name -> node id, and is shared by all of these steps.
    """
    definitions = context.job_def.asset_layer.asset_graph.assets_defs
    found: set[str] = set()
    for each in definitions:
        if each.is_executable and each.node_def.name == context.op_def.name:
            outputs = (*each.keys_by_output_name, *each.check_specs_by_output_name)
            found.update(node_ids[output] for output in outputs)
    return tuple(sorted(found))


def _by_node(
    node_ids: Mapping[str, str], keys: Mapping[str, AssetKey]
) -> dict[str, tuple[AssetKey, ...]]:
    found: dict[str, tuple[AssetKey, ...]] = {}
    for output, key in keys.items():
        node_id = node_ids[output]
        found[node_id] = (*found.get(node_id, ()), key)
    return found
