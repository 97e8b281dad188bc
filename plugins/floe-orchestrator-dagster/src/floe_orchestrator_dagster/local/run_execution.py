"""Execute a run in this process, and record it in an instance."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster import (
    AssetCheckKey,
    AssetKey,
    DagsterInstance,
    Definitions,
    JobDefinition,
    define_asset_job,
)

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.launched_run.run_order import RunOrder
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.definitions.building import StepSettings, building_assets
from floe_orchestrator_dagster.definitions.jobs import selection_of
from floe_orchestrator_dagster.definitions.product_definitions import definitions_of
from floe_orchestrator_dagster.internals import execute_with_origin
from floe_orchestrator_dagster.names.asset_map import AssetMap
from floe_orchestrator_dagster.names.dagster_names import FILENAME, job_name
from floe_orchestrator_dagster.step.connection import resource_keys
from floe_orchestrator_dagster.step.run_config import run_config_of


def execute_run(
    instance: DagsterInstance,
    order: RunOrder,
    artifacts: CompiledArtifacts,
    asset_map: AssetMap,
    tags: Mapping[str, str],
) -> None:
    """Run what an order requests, recorded like a launch from Dagster's UI as far as possible.

    The instance records how it ended.
    """
    run_config = run_config_of(artifacts, order.options.parameters)
    name, node_ids = job_name(artifacts, artifacts.job(order.options.job)), order.options.node_ids
    resources = Definitions(resources=resources_of(artifacts))
    job = Definitions.merge(definitions_of(artifacts), resources).resolve_job_def(name)
    is_executed = execute_with_origin(
        instance,
        job,
        run_id=order.run_id,
        selection=_keys(node_ids, asset_map) if node_ids is not None else None,
        tags=tags,
        run_config=run_config,
        code_location=(artifacts.product.name, Path(order.project_dir, FILENAME)),
    )
    if is_executed:
        return
    if node_ids is not None:
        job = _job_of(node_ids, name, artifacts, asset_map, resources)
    job.execute_in_process(
        run_config=run_config,
        instance=instance,
        run_id=order.run_id,
        tags=tags,
        raise_on_error=False,
    )


def _keys(
    node_ids: tuple[str, ...], asset_map: AssetMap
) -> tuple[set[AssetKey], set[AssetCheckKey]]:
    keys = {key for id_ in node_ids for key in asset_map.built_keys.get(id_, ())}
    checks = {asset_map.check_keys[id_] for id_ in node_ids if id_ in asset_map.check_keys}
    return keys, checks


def _job_of(
    node_ids: tuple[str, ...],
    name: str,
    artifacts: CompiledArtifacts,
    asset_map: AssetMap,
    resources: Definitions,
) -> JobDefinition:
    """Return a job of only these nodes: the public API cannot select checks of a job to run."""
    part = define_asset_job(name, selection=selection_of(node_ids, asset_map))
    assets = building_assets(artifacts, asset_map, StepSettings(sends_alerts=False))
    return Definitions.merge(Definitions(assets=[assets], jobs=[part]), resources).resolve_job_def(
        name
    )


def resources_of(artifacts: CompiledArtifacts) -> Mapping[str, Any]:
    """Return key -> resource, for those that hold the credentials of a product's compute.

    Raises:
        EnvironmentProblemError: definitions.py has no such resource.
    """
    keys = resource_keys(artifacts)
    if not keys:
        return {}
    found = _resources_in(artifacts.folder / FILENAME)
    for key in sorted(keys - found.keys()):
        what = f"{FILENAME} has no resource '{key}', which holds the credentials of compute"
        fix = f"merge `Definitions(resources={{'{key}': ...}})` with the product's definitions"
        raise EnvironmentProblemError(f"{what}; {fix}")
    return {key: found[key] for key in keys}


def _resources_in(file: Path) -> Mapping[str, Any]:
    values = runpy.run_path(str(file)).values() if file.exists() else ()
    definitions = (value for value in values if isinstance(value, Definitions))
    return {key: each for found in definitions for key, each in (found.resources or {}).items()}
