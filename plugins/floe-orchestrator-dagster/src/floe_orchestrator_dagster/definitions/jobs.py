"""Makes one Dagster job for each job of the product, with exactly its nodes and tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dagster import AssetSelection, define_asset_job

from floe_core.foundation.errors import InvalidProductError, Problem
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_dagster.names.asset_map import AssetMap
from floe_orchestrator_dagster.names.dagster_names import (
    ENVIRONMENT_TAG,
    JOB_TAG,
    PRODUCT_TAG,
    job_name,
)

if TYPE_CHECKING:
    from floe_orchestrator_dagster.internals import AssetJob


def jobs_of(artifacts: CompiledArtifacts, asset_map: AssetMap) -> dict[str, AssetJob]:
    """Return floe's job name -> Dagster job.

    Raises:
        InvalidProductError: Two jobs' names differ only in characters not allowed in Dagster names.
    """
    problems = job_name_problems(artifacts)
    if problems:
        raise InvalidProductError(problems)
    return {job.name: _job(job, artifacts, asset_map) for job in artifacts.jobs}


def _job(job: Job, artifacts: CompiledArtifacts, asset_map: AssetMap) -> AssetJob:
    node_ids = [node.unique_id for node in artifacts.nodes_of(job)]
    environment = {ENVIRONMENT_TAG: artifacts.environment} if artifacts.environment else {}
    return define_asset_job(
        name=job_name(artifacts, job),
        selection=selection_of(node_ids, asset_map),
        description=_description(job, artifacts),
        tags={PRODUCT_TAG: artifacts.product.name, JOB_TAG: job.name, **environment},
    )


def selection_of(node_ids: Sequence[str], asset_map: AssetMap) -> AssetSelection:
    """Return a selection of exactly the assets and checks of these nodes."""
    keys = [key for id_ in node_ids for key in asset_map.built_keys.get(id_, ())]
    checks = [asset_map.check_keys[id_] for id_ in node_ids if id_ in asset_map.check_keys]
    # By default, selecting assets selects their checks; a job has exactly the tests it selects.
    return AssetSelection.assets(*keys).without_checks() | AssetSelection.checks(*checks)


def _description(job: Job, artifacts: CompiledArtifacts) -> str:
    words = [
        f"{name} {value}"
        for name, value in (
            ("select", job.select),
            ("exclude", job.exclude),
            ("selector", job.selector),
        )
        if value
    ]
    part = f"Runs {', '.join(words)}." if words else "Runs the whole product."
    return "\n\n".join(text for text in (artifacts.product.description, part) if text)


def job_name_problems(artifacts: CompiledArtifacts) -> list[Problem]:
    """Return the jobs whose names differ only in characters not allowed in Dagster names."""
    owners: dict[str, list[str]] = {}
    for job in artifacts.jobs:
        owners.setdefault(job_name(artifacts, job), []).append(job.name)
    return [
        Problem(
            what=f"jobs {' and '.join(names)} would both be the Dagster job {name}",
            fix="rename one in floe.yaml so that they differ in more than punctuation",
        )
        for name, names in owners.items()
        if len(names) > 1
    ]
