"""How Dagster retries a product's step, read from its definition."""

from __future__ import annotations

from floe_core.plugin_api.powers import RetryPlan
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.definitions.building import building_assets
from floe_orchestrator_dagster.names.asset_map import asset_map_of


def retry_plan(artifacts: CompiledArtifacts, job_name: str) -> RetryPlan:
    """Return the plan of the step. See `RetryReporter`.

    Only the pool may differ by job; the step itself then claims a slot in it.
    """
    step = building_assets(artifacts, asset_map_of(artifacts)).op
    policy = step.retry_policy
    delays = (
        tuple(policy.calculate_delay(n) for n in range(1, policy.max_retries + 1)) if policy else ()
    )
    pool = step.pool or artifacts.pool_of(artifacts.job(job_name))
    return RetryPlan(tuple(float(delay) for delay in delays), pool)
