"""All definitions of one product that Dagster loads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dagster import AssetSpec, Definitions, SensorDefinition

from floe_core.execution import has_reported_ends
from floe_core.foundation.errors import UsageError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.definitions.building import StepSettings, building_assets
from floe_orchestrator_dagster.definitions.jobs import jobs_of
from floe_orchestrator_dagster.names.asset_map import AssetMap, asset_map_of
from floe_orchestrator_dagster.names.asset_specs import Translate, spec_of_unplaced
from floe_orchestrator_dagster.ticks.schedules import schedules_of
from floe_orchestrator_dagster.translator.helper_metadata import HelperMetadata, is_installed

if TYPE_CHECKING:
    from dagster_dbt import DagsterDbtTranslator

    from floe_orchestrator_dagster.internals import AssetJob


def definitions_of(
    artifacts: CompiledArtifacts,
    translate: Translate | None = None,
    translator: DagsterDbtTranslator | None = None,
) -> Definitions:
    """Return the product's assets, checks, jobs, schedules and sensors.

    Raises:
        InvalidProductError: Two nodes have the same asset key, or two jobs the same name.
    """
    asset_map = assets_of_product(artifacts, translate, translator)
    jobs = jobs_of(artifacts, asset_map)
    return Definitions(
        assets=[
            building_assets(artifacts, asset_map, StepSettings(sends_alerts=False)),
            *_external(artifacts, asset_map),
        ],
        jobs=list(jobs.values()),
        schedules=schedules_of(artifacts, jobs),
        sensors=_sensors(artifacts, jobs, asset_map),
    )


def _sensors(
    artifacts: CompiledArtifacts, jobs: Mapping[str, AssetJob], asset_map: AssetMap
) -> list[SensorDefinition]:
    """Return the sensors that the product needs; most products need none."""
    found = []
    if any(job.trigger for job in artifacts.jobs):
        from floe_orchestrator_dagster.ticks.update_sensors import update_sensors

        found += update_sensors(artifacts, jobs)
    if has_reported_ends(artifacts):
        from floe_orchestrator_dagster.alerts import alert_sensor

        found.append(alert_sensor(artifacts, asset_map))
    return found


def _external(artifacts: CompiledArtifacts, asset_map: AssetMap) -> list[AssetSpec]:
    """Return the asset for tests without parents. Sources are left to the code that fills them."""
    places = {key.asset_key for key in asset_map.check_keys.values()}
    unplaced = asset_map.unplaced_key
    return [spec_of_unplaced(artifacts, unplaced)] if unplaced in places else []


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
