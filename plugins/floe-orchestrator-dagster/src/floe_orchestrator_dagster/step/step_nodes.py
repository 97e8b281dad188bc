"""The nodes selected for a step, and their keys in Dagster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSpec,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    OpExecutionContext,
)

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_orchestrator_dagster.names.asset_specs import NODE_METADATA
from floe_orchestrator_dagster.names.dagster_names import PRODUCT_TAG
from floe_orchestrator_dagster.names.step_assets import DATASET_METADATA

# What materializations say of columns. "auto": schemas, where they cost a run nothing that can be
# measured. "lineage": schemas and the lineage of columns.
Columns = Literal["auto", "off", "schema", "lineage"]
StepEvent = MaterializeResult[None] | AssetCheckResult
# The ids of nodes in the metadata of assets and checks: floe's, and that of a user's translator.
_IDS = (NODE_METADATA, "dagster_dbt/unique_id")


@dataclass(frozen=True, slots=True)
class NodesOfStep:
    """The nodes of a step's definition: output name -> id; `unshown` are tests without a check.

    `keys` are the keys of all nodes and sources of the product. For the others see `AssetMap`.
    """

    ids_by_output: Mapping[str, str]
    unshown: tuple[str, ...] = ()
    keys: Mapping[str, AssetKey] = field(default_factory=dict)
    runs_source_checks: bool = False

    def with_unshown(
        self, artifacts: CompiledArtifacts, chosen: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Return the chosen nodes with the tests without a check that go with them, sorted.

        A test goes with the nodes of this step that it reads. One that reads only sources goes with
        the whole step; that of a source's freshness with each node that reads the source.
        """
        if not self.unshown:
            return chosen
        relations = {i for i in self.ids_by_output.values() if artifacts.by_id[i].is_relation}
        missing = relations.difference(chosen)
        sources = {above for i in chosen for above in artifacts.by_id[i].depends_on}

        def goes(test: Node) -> bool:
            if test.is_freshness:
                return test.tested in sources
            return missing.isdisjoint(relations.intersection(test.depends_on) or relations)

        return tuple(sorted({*chosen, *(i for i in self.unshown if goes(artifacts.by_id[i]))}))


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
    def of(cls, context: OpExecutionContext, nodes: NodesOfStep) -> StepNodes:
        """Return the nodes selected for a step."""
        node_ids = nodes.ids_by_output
        keys = context.assets_def.keys_by_output_name
        every_key = context.assets_def.node_keys_by_output_name
        others = {output: key for output, key in every_key.items() if output not in keys}
        checks = {**context.assets_def.check_specs_by_output_name}
        if nodes.runs_source_checks:
            checks |= _checks_of_what_is_read(context.assets_def)
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


def _checks_of_what_is_read(assets: AssetsDefinition) -> dict[str, AssetCheckSpec]:
    """Return output name -> check of the sources that the selected assets read."""
    specs = assets.specs_by_key
    selected = assets.keys_by_output_name.values()
    read = {dep.asset_key for key in selected for dep in specs[key].deps}
    sources = read.difference(assets.node_keys_by_output_name.values())
    every = assets.node_check_specs_by_output_name.items()
    return {output: spec for output, spec in every if spec.asset_key in sources}


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


def nodes_of_run(context: OpExecutionContext, nodes: NodesOfStep) -> tuple[str, ...]:
    """Return the ids of the nodes selected for all of a product's steps in a run, sorted."""
    product = context.op_def.tags.get(PRODUCT_TAG)
    found: set[str] = set()
    for each in context.job_def.asset_layer.asset_graph.assets_defs:
        if not each.is_executable or each.node_def.tags.get(PRODUCT_TAG) != product:
            continue
        if each.node_def.name == context.op_def.name:
            outputs = (*each.keys_by_output_name, *each.check_specs_by_output_name)
            found.update(nodes.ids_by_output[output] for output in outputs)
        else:
            found.update(_ids_in_metadata(each))
    return tuple(sorted(found))


def _ids_in_metadata(assets: AssetsDefinition) -> Iterator[str]:
    """Yield the ids of the nodes selected for a step that another call of `floe_assets` made."""
    specs = assets.specs_by_key
    described = [specs[key].metadata for key in assets.keys_by_output_name.values()]
    described += [spec.metadata or {} for spec in assets.check_specs_by_output_name.values()]
    for metadata in described:
        yield from (str(metadata[name]) for name in _IDS if name in metadata)


def _by_node(
    node_ids: Mapping[str, str], keys: Mapping[str, AssetKey]
) -> dict[str, tuple[AssetKey, ...]]:
    found: dict[str, tuple[AssetKey, ...]] = {}
    for output, key in keys.items():
        node_id = node_ids[output]
        found[node_id] = (*found.get(node_id, ()), key)
    return found
