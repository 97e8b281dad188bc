"""How dbt's node ids and Dagster's keys belong together, for one product."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from dagster import AssetCheckKey, AssetKey, AssetSpec

from floe_core.errors import InvalidProductError, invalid
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import Node
from floe_orchestrator_dagster.dagster_names import plain
from floe_orchestrator_dagster.definitions.asset_keys import double_keys, unsound_keys
from floe_orchestrator_dagster.definitions.asset_specs import Translate, spec_of
from floe_orchestrator_dagster.definitions.check_places import place_of


@dataclass(frozen=True)
class AssetMap:
    """Node id -> spec of each asset that dbt builds; node id -> check key of each test.

    `keys` holds the sources' keys as well: they are dependencies and nothing else. `unplaced_key`
    is the asset that tests without any parent hang on.
    """

    specs: Mapping[str, AssetSpec]
    keys: Mapping[str, AssetKey]
    check_keys: Mapping[str, AssetCheckKey]
    unplaced_key: AssetKey

    @cached_property
    def node_ids_by_key(self) -> dict[AssetKey, str]:
        """Asset key -> node id."""
        return {key: node_id for node_id, key in self.keys.items()}

    @cached_property
    def node_ids_by_check_key(self) -> dict[AssetCheckKey, str]:
        """Check key -> node id."""
        return {key: node_id for node_id, key in self.check_keys.items()}

    def node_ids(
        self, keys: Iterable[AssetKey], check_keys: Iterable[AssetCheckKey]
    ) -> tuple[str, ...]:
        """Return the ids of the nodes behind these assets and checks, sorted."""
        assets = (self.node_ids_by_key[key] for key in keys)
        checks = (self.node_ids_by_check_key[key] for key in check_keys)
        return tuple(sorted([*assets, *checks]))


def asset_map_of(artifacts: CompiledArtifacts, translate: Translate | None = None) -> AssetMap:
    """Return the map of a product, each spec as `translate` returns it.

    Raises:
        InvalidProductError: Two nodes have one asset key, or `translate` returns no spec.
    """
    nodes = with_assets(artifacts)
    specs = _specs(nodes, artifacts, translate)
    keys = {node.unique_id: specs[node.unique_id].key for node in nodes}
    problems = list(double_keys(keys))
    if problems:
        raise InvalidProductError(problems)
    unplaced = AssetKey([plain(artifacts.product.name), "tests"])
    return AssetMap(
        specs={node.unique_id: specs[node.unique_id] for node in nodes if node.is_relation},
        keys=keys,
        check_keys=_check_keys(artifacts, keys, unplaced),
        unplaced_key=unplaced,
    )


def with_assets(artifacts: CompiledArtifacts) -> list[Node]:
    """Return the nodes that have a table of their own making or of somebody else's."""
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
        specs[node.unique_id] = spec if translate is None else _translated(node, spec, translate)
        keys[node.unique_id] = specs[node.unique_id].key
    return specs


def _parents_first(nodes: list[Node]) -> Iterator[Node]:
    by_id = {node.unique_id: node for node in nodes}
    return (by_id[id_] for id_ in NodeGraph(nodes).in_order())


def _translated(node: Node, spec: AssetSpec, translate: Translate) -> AssetSpec:
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
    """Return node id -> check key; tests of one name on one asset are told apart by their ids.

    Checks of a source bear the product's name: two products may have the same test of a source.
    """
    prefix = f"{plain(artifacts.product.name)}__"
    found = {}
    for test in (node for node in artifacts.nodes if node.is_test):
        place = place_of(test, artifacts)
        is_source = place in keys and not artifacts.by_id[place].is_relation
        name = f"{prefix if is_source else ''}{plain(test.name)}"
        found[test.unique_id] = AssetCheckKey(keys.get(place, unplaced), name)
    counts = Counter(found.values())
    return {
        node_id: AssetCheckKey(key.asset_key, plain(node_id)) if counts[key] > 1 else key
        for node_id, key in found.items()
    }
