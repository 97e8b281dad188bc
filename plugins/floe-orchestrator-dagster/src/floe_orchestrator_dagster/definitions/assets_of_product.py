"""Chooses where the specs of a product's assets come from: floe, or a user's translator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floe_core.foundation.errors import UsageError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.names.asset_map import AssetMap, asset_map_of
from floe_orchestrator_dagster.names.asset_specs import Translate
from floe_orchestrator_dagster.translator.helper_metadata import HelperMetadata, is_installed

if TYPE_CHECKING:
    from dagster_dbt import DagsterDbtTranslator


def assets_of_product(
    artifacts: CompiledArtifacts,
    translate: Translate | None = None,
    translator: DagsterDbtTranslator | None = None,
) -> AssetMap:
    """Return the map of a product, with what the helpers of dagster-dbt need if it is installed.

    Raises:
        InvalidProductError: Two nodes have one key, or the user's code fails.
        UsageError: Both `translate` and `translator` are given.
    """
    if translator is not None:
        from floe_orchestrator_dagster.translator.user_specs import translated_asset_map

        if translate is not None:
            raise UsageError("give either translate or translator: each makes the specs")
        return translated_asset_map(artifacts, translator)
    if not is_installed():
        return asset_map_of(artifacts, translate)
    helpers = HelperMetadata(artifacts)
    helpers.asset_map = asset_map_of(artifacts, translate, helpers.of)
    return helpers.asset_map
