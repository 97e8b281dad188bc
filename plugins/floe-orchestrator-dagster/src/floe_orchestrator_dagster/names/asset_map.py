"""Maps dbt's node ids to Dagster's keys, for one product."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from dagster import AssetCheckKey, AssetCheckSpec, AssetKey, AssetSpec

from floe_core.foundation.errors import InvalidProductError, invalid
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import Node
from floe_orchestrator_dagster.names.asset_keys import double_keys, unsound_keys
from floe_orchestrator_dagster.names.asset_specs import Translate, spec_of
from floe_orchestrator_dagster.names.checks import check_specs, place_of
from floe_orchestrator_dagster.names.dagster_names import plain
from floe_orchestrator_dagster.names.dbt_node import DbtNode
from floe_orchestrator_dagster.names.step_assets import step_specs

# Returns metadata of a node's asset beside floe's own.
AddMetadata = Callable[[Node], Mapping[str, Any]]


@dataclass(frozen=True)
class AssetMap:
    """The assets of a product or a part of it, and the check of each test.

    `specs` are pairs of a node's id and one of its assets: a model has one asset, a step one for
    each dataset that it writes. `keys` are the keys of dbt's nodes and of sources; a source is only
    a dependency, unless a step writes it. `checks` are pairs of a test's id and its check.
    `unplaced_key` is the asset for tests without any parent. `unshown` are the ids of tests that
    run and are no checks. With `runs_source_checks`, the checks of a source run with what reads it:
    Dagster selects a check with its asset, and a source is none that it can select.
    """

    specs: tuple[tuple[str, AssetSpec], ...]
    keys: Mapping[str, AssetKey]
    checks: tuple[tuple[str, AssetCheckSpec], ...]
    unplaced_key: AssetKey
    unshown: tuple[str, ...] = ()
    runs_source_checks: bool = False

    @cached_property
    def check_keys(self) -> dict[str, AssetCheckKey]:
        """Test id -> the key of its check."""
        return {test_id: spec.key for test_id, spec in self.checks}

    @cached_property
    def built_keys(self) -> dict[str, tuple[AssetKey, ...]]:
        """Node id -> the keys of the assets it builds, for models, seeds, snapshots and steps."""
        found: dict[str, tuple[AssetKey, ...]] = {}
        for node_id, spec in self.specs:
            found[node_id] = (*found.get(node_id, ()), spec.key)
        return found

    def part(self, node_ids: Container[str]) -> AssetMap:
        """Return the map of some nodes; a check of an asset is only in the part of the asset."""
        specs = tuple(each for each in self.specs if each[0] in node_ids)
        elsewhere = {spec.key for _, spec in self.specs} - {spec.key for _, spec in specs}
        return replace(
            self,
            specs=specs,
            checks=tuple(
                (test_id, spec)
                for test_id, spec in self.checks
                if test_id in node_ids and spec.asset_key not in elsewhere
            ),
            unshown=tuple(test_id for test_id in self.unshown if test_id in node_ids),
        )


def asset_map_of(
    artifacts: CompiledArtifacts,
    translate: Translate | None = None,
    add_metadata: AddMetadata | None = None,
) -> AssetMap:
    """Return the map of a product, each spec as `translate` returns it.

    Raises:
        InvalidProductError: Two nodes have the same asset key, or `translate` returns no spec.
    """
    nodes = with_assets(artifacts)
    specs = _specs(nodes, artifacts, translate, add_metadata)
    keys = {node.unique_id: specs[node.unique_id].key for node in nodes}
    unplaced = AssetKey([plain(artifacts.product.name), "tests"])
    return AssetMap(
        specs=built_specs(artifacts, specs, translate),
        keys=keys,
        checks=check_specs(artifacts, keys, _check_keys(artifacts, keys, unplaced)),
        unplaced_key=unplaced,
    )


def built_specs(
    artifacts: CompiledArtifacts,
    specs: Mapping[str, AssetSpec],
    translate: Translate | None = None,
    may_share: Container[str] = (),
) -> tuple[tuple[str, AssetSpec], ...]:
    """Return node id -> spec of each asset that the product builds, those of its steps last.

    `specs` maps the ids of dbt's nodes and sources to their specs. `may_share` are sources that may
    have one key.

    Raises:
        InvalidProductError: Two nodes have the same asset key.
    """
    of_steps = _step_specs(artifacts, specs, translate)
    written = {f"{step_id} ({spec.key.to_user_string()})": spec.key for step_id, spec in of_steps}
    sources = {source for step in artifacts.steps for source in step.sources}
    not_written = {i: s.key for i, s in specs.items() if i not in sources and i not in may_share}
    problems = list(double_keys({**not_written, **written}))
    if problems:
        raise InvalidProductError(problems)
    relations = (node.unique_id for node in with_assets(artifacts) if node.is_relation)
    return (*((node_id, specs[node_id]) for node_id in relations), *of_steps)


def with_assets(artifacts: CompiledArtifacts) -> list[Node]:
    """Return the nodes that have a table: one that they build, or a source's."""
    return [node for node in artifacts.nodes if node.is_relation or node.resource_type == "source"]


def _specs(
    nodes: list[Node],
    artifacts: CompiledArtifacts,
    translate: Translate | None,
    add_metadata: AddMetadata | None,
) -> dict[str, AssetSpec]:
    """Return node id -> spec, made in the order of the graph: a spec names its parents' keys."""
    problems = unsound_keys(nodes)
    if problems:
        raise InvalidProductError(problems)
    specs: dict[str, AssetSpec] = {}
    keys: dict[str, AssetKey] = {}
    for node in parents_first(nodes):
        spec = spec_of(node, artifacts, keys, add_metadata(node) if add_metadata else {})
        if translate is not None:
            spec = _translate(DbtNode.of(node, artifacts), spec, translate)
        specs[node.unique_id] = spec
        keys[node.unique_id] = specs[node.unique_id].key
    return specs


def _step_specs(
    artifacts: CompiledArtifacts, specs: Mapping[str, AssetSpec], translate: Translate | None
) -> list[tuple[str, AssetSpec]]:
    def as_translated(node: Node, spec: AssetSpec) -> AssetSpec:
        if translate is None:
            return spec
        return _translate(DbtNode.of(node, artifacts), spec, translate)

    return [
        (step.unique_id, spec)
        for step in artifacts.steps
        for spec in step_specs(step, artifacts, specs, as_translated)
    ]


def parents_first(nodes: list[Node]) -> Iterator[Node]:
    """Yield the nodes in the order of the graph."""
    by_id = {node.unique_id: node for node in nodes}
    return (by_id[id_] for id_ in NodeGraph(nodes).in_order())


def _translate(node: DbtNode, spec: AssetSpec, translate: Translate) -> AssetSpec:
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
