"""floe's own assets as a `DagsterDbtTranslator`, for the helpers of dagster-dbt.

Only imported when a helper is used, as dagster-dbt takes more than a second to import.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster import AssetCheckSpec, AssetKey, AssetSpec
from dagster_dbt import DagsterDbtTranslator

from floe_orchestrator_dagster.names.asset_map import AssetMap


class FloeTranslator(DagsterDbtTranslator):
    """Returns the specs that a product has; those of dagster-dbt for anything else."""

    def __init__(self, asset_map: AssetMap) -> None:
        super().__init__()
        self._specs = dict(reversed(asset_map.specs))
        self._keys = asset_map.keys
        self._checks = dict(asset_map.checks)

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> AssetSpec:
        """Return the spec of a node, only with its key if the product does not build it."""
        known = self._specs.get(unique_id)
        return known or super().get_asset_spec(manifest, unique_id, project)

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> AssetKey:
        """Return the key of a node."""
        known = self._keys.get(dbt_resource_props["unique_id"])
        return known or super().get_asset_key(dbt_resource_props)

    def get_asset_check_spec(
        self, asset_spec: AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> AssetCheckSpec | None:
        """Return the check of a test if it is one of this asset."""
        known = self._checks.get(unique_id)
        return known if known and known.asset_key == asset_spec.key else None
