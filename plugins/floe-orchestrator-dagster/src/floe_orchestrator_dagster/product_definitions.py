"""Everything Dagster loads of one product."""

from __future__ import annotations

from dagster import Definitions

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.asset_map import asset_map_of
from floe_orchestrator_dagster.asset_specs import external_specs
from floe_orchestrator_dagster.building import building_assets
from floe_orchestrator_dagster.jobs import jobs_of
from floe_orchestrator_dagster.schedules import schedules_of


def definitions_of(artifacts: CompiledArtifacts) -> Definitions:
    """Return the product's assets, checks, jobs and schedules.

    Raises:
        InvalidProductError: Two nodes with one asset key, or two jobs with one name.
    """
    asset_map = asset_map_of(artifacts)
    jobs = jobs_of(artifacts, asset_map)
    return Definitions(
        assets=[building_assets(artifacts, asset_map), *external_specs(artifacts, asset_map)],
        jobs=list(jobs.values()),
        schedules=schedules_of(artifacts, jobs),
    )
