"""Makes one check spec for each test, on the asset that `check_places` chose."""

from __future__ import annotations

from dagster import AssetCheckSpec, AssetKey

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_orchestrator_dagster.names.asset_map import AssetMap
from floe_orchestrator_dagster.names.asset_specs import NODE_METADATA


def check_specs(artifacts: CompiledArtifacts, asset_map: AssetMap) -> list[AssetCheckSpec]:
    """Return the specs of all tests, in the order of their node ids."""
    return [_spec(node, asset_map) for node in artifacts.nodes if node.is_test]


def _spec(test: Node, asset_map: AssetMap) -> AssetCheckSpec:
    key = asset_map.check_keys[test.unique_id]
    return AssetCheckSpec(
        name=key.name,
        asset=key.asset_key,
        description=test.description or None,
        additional_deps=_other_parents(test, key.asset_key, asset_map),
        metadata={NODE_METADATA: test.unique_id},
        blocking=is_blocking(test),
    )


def is_blocking(test: Node) -> bool:
    """Return whether a failure blocks downstream nodes; dbt's default severity is error."""
    return test.severity.lower() != "warn"


def _other_parents(test: Node, place: AssetKey, asset_map: AssetMap) -> list[AssetKey]:
    parents = [asset_map.keys[id_] for id_ in test.depends_on if id_ in asset_map.keys]
    return [key for key in parents if key != place]
