"""Maps dbt's node ids to Dagster's keys, for one product."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from dagster import AssetCheckKey, AssetKey, AssetSpec

from floe_core.foundation.errors import InvalidProductError, invalid
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import Node
from floe_orchestrator_dagster.names.asset_keys import double_keys, unsound_keys
from floe_orchestrator_dagster.names.asset_specs import Translate, spec_of
from floe_orchestrator_dagster.names.check_places import place_of
from floe_orchestrator_dagster.names.dagster_names import plain
from floe_orchestrator_dagster.names.step_assets import step_specs


@dataclass(frozen=True)
class AssetMap:
    """The assets of a product, and node id -> check key of each test.

    `specs` are pairs of a node and one of its assets: a model has one asset, a step one for each
    dataset that it writes. `keys` are the keys of dbt's nodes and of sources; a source is only a
    dependency, unless a step writes it. `unplaced_key` is the asset for tests without any parent.
    """

    specs: tuple[tuple[str, AssetSpec], ...]
    keys: Mapping[str, AssetKey]
    check_keys: Mapping[str, AssetCheckKey]
    unplaced_key: AssetKey

    @cached_property
    def built_keys(self) -> dict[str, tuple[AssetKey, ...]]:
        """Node id -> the keys of the assets it builds, for models, seeds, snapshots and steps."""
        found: dict[str, tuple[AssetKey, ...]] = {}
        for node_id, spec in self.specs:
            found[node_id] = (*found.get(node_id, ()), spec.key)
        return found


def asset_map_of(artifacts: CompiledArtifacts, translate: Translate | None = None) -> AssetMap:
    """Return the map of a product, each spec as `translate` returns it.

    Raises:
        InvalidProductError: Two nodes have the same asset key, or `translate` returns no spec.
    """
    nodes = with_assets(artifacts)
    specs = _specs(nodes, artifacts, translate)
    keys = {node.unique_id: specs[node.unique_id].key for node in nodes}
    of_steps = _step_specs(artifacts, specs, translate)
    written = {f"{step_id} ({spec.key.to_user_string()})": spec.key for step_id, spec in of_steps}
    sources = {source for step in artifacts.steps for source in step.sources}
    not_written = {node_id: key for node_id, key in keys.items() if node_id not in sources}
    problems = list(double_keys({**not_written, **written}))
    if problems:
        raise InvalidProductError(problems)
    unplaced = AssetKey([plain(artifacts.product.name), "tests"])
    return AssetMap(
        specs=(
            *((node.unique_id, specs[node.unique_id]) for node in nodes if node.is_relation),
            *of_steps,
        ),
        keys=keys,
        check_keys=_check_keys(artifacts, keys, unplaced),
        unplaced_key=unplaced,
    )


def with_assets(artifacts: CompiledArtifacts) -> list[Node]:
    """Return the nodes that have a table: one that they build, or a source's."""
    return [node for node in artifacts.nodes if node.is_relation or node.resource_type == "source"]


def _specs(
    nodes: list[Node], artifacts: CompiledArtifacts, translate: Translate | None
) -> dict[str, AssetSpec]:
    """Return node id -> spec, made in the order of the graph: a spec names its parents' keys."""
    problems = unsound_keys(nodes)
    if problems:
        raise InvalidProductError(problems)
    specs: dict[str, AssetSpec] = {}
    keys: dict[str, AssetKey] = {}
    for node in _parents_first(nodes):
        spec = spec_of(node, artifacts, keys)
        specs[node.unique_id] = spec if translate is None else _translate(node, spec, translate)
        keys[node.unique_id] = specs[node.unique_id].key
    return specs


def _step_specs(
    artifacts: CompiledArtifacts, specs: Mapping[str, AssetSpec], translate: Translate | None
) -> list[tuple[str, AssetSpec]]:
    def as_translated(node: Node, spec: AssetSpec) -> AssetSpec:
        return spec if translate is None else _translate(node, spec, translate)

    return [
        (step.unique_id, spec)
        for step in artifacts.steps
        for spec in step_specs(step, artifacts, specs, as_translated)
    ]


def _parents_first(nodes: list[Node]) -> Iterator[Node]:
    by_id = {node.unique_id: node for node in nodes}
    return (by_id[id_] for id_ in NodeGraph(nodes).in_order())


def _translate(node: Node, spec: AssetSpec, translate: Translate) -> AssetSpec:
    found = translate(node, spec)
    if not isinstance(found, AssetSpec):
        raise invalid(
            f"translate returned {found!r} for {node.unique_id}",
            fix="return an AssetSpec, such as spec.replace_attributes(group_name='sales')",
        )
    return found


def _check_keys(
    artifacts: CompiledArtifacts, keys: Mapping[str, AssetKey], unplaced: AssetKey
) -> dict[str, AssetCheckKey]:
    """Return node id -> check key; an id distinguishes tests with the same name on one asset.

    The name of a check of a source includes the product's name, since two products may have the
    same test of a source. A source that a step writes belongs to the product, so it needs no such
    name.
    """
    written = {source for step in artifacts.steps for source in step.sources}
    prefix = f"{plain(artifacts.product.name)}__"
    found = {}
    for test in (node for node in artifacts.nodes if node.is_test):
        place = place_of(test, artifacts)
        is_own = place not in keys or place in written or artifacts.by_id[place].is_relation
        name = f"{'' if is_own else prefix}{plain(test.name)}"
        found[test.unique_id] = AssetCheckKey(keys.get(place, unplaced), name)
    counts = Counter(found.values())
    return {
        node_id: AssetCheckKey(key.asset_key, plain(node_id)) if counts[key] > 1 else key
        for node_id, key in found.items()
    }
