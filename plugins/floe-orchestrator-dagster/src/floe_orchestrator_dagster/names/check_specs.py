"""Makes one check spec for each test, on the asset that `check_places` chose."""

from __future__ import annotations

from collections.abc import Mapping

from dagster import AssetCheckKey, AssetCheckSpec, AssetKey

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_orchestrator_dagster.names.asset_specs import NODE_METADATA


def check_specs(
    artifacts: CompiledArtifacts,
    keys: Mapping[str, AssetKey],
    check_keys: Mapping[str, AssetCheckKey],
) -> tuple[tuple[str, AssetCheckSpec], ...]:
    """Return test id -> spec of all tests, in the order of their ids.

    `keys` maps node id -> asset key, `check_keys` maps test id -> check key.
    """
    tests = (node for node in artifacts.nodes if node.is_test)
    return tuple((test.unique_id, _spec(test, keys, check_keys[test.unique_id])) for test in tests)


def _spec(test: Node, keys: Mapping[str, AssetKey], key: AssetCheckKey) -> AssetCheckSpec:
    parents = (keys[id_] for id_ in test.depends_on if id_ in keys)
    return AssetCheckSpec(
        name=key.name,
        asset=key.asset_key,
        description=test.description or None,
        additional_deps=[parent for parent in parents if parent != key.asset_key],
        metadata={NODE_METADATA: test.unique_id},
        blocking=is_blocking(test),
    )


def is_blocking(test: Node) -> bool:
    """Return whether a failure blocks downstream nodes; dbt's default severity is error."""
    return test.severity.lower() != "warn"
