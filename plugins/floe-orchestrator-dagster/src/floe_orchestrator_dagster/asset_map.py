"""How dbt's node ids and Dagster's keys belong together, for one product."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from dagster import AssetCheckKey, AssetKey

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_orchestrator_dagster.asset_keys import keys_of
from floe_orchestrator_dagster.check_places import place_of
from floe_orchestrator_dagster.dagster_names import plain


@dataclass(frozen=True)
class AssetMap:
    """Node id -> asset key for what has a table, and for sources; node id -> check key for tests.

    `unplaced_key` is the asset that tests without any parent hang on.
    """

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


def asset_map_of(artifacts: CompiledArtifacts) -> AssetMap:
    """Return the map of a product.

    Raises:
        InvalidProductError: Two nodes have one asset key.
    """
    keys = keys_of(with_assets(artifacts))
    unplaced = AssetKey([plain(artifacts.product.name), "tests"])
    tests = [node for node in artifacts.nodes if node.is_test]
    places = {test.unique_id: keys.get(place_of(test, artifacts), unplaced) for test in tests}
    return AssetMap(keys, _check_keys(tests, places), unplaced)


def with_assets(artifacts: CompiledArtifacts) -> list[Node]:
    """Return the nodes that have a table of their own making or of somebody else's."""
    return [node for node in artifacts.nodes if node.is_relation or node.resource_type == "source"]


def _check_keys(tests: list[Node], places: Mapping[str, AssetKey]) -> dict[str, AssetCheckKey]:
    """Return node id -> check key; tests of one name on one asset are told apart by their ids."""
    by_name = {t.unique_id: AssetCheckKey(places[t.unique_id], plain(t.name)) for t in tests}
    counts = Counter(by_name.values())
    return {
        node_id: AssetCheckKey(key.asset_key, plain(node_id)) if counts[key] > 1 else key
        for node_id, key in by_name.items()
    }
