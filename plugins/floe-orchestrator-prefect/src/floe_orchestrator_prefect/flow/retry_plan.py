"""How Prefect retries a product's build, read from its task."""

from __future__ import annotations

from floe_core.plugin_api.powers import RetryPlan
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.task.build_task import build_task


def retry_plan(artifacts: CompiledArtifacts, job_name: str) -> RetryPlan:
    """Return the plan of the task that builds for a job. See `RetryReporter`."""
    task = build_task(artifacts, artifacts.job(job_name))
    given = task.retry_delay_seconds
    delays = list(given) if isinstance(given, list) else [float(given or 0)] * task.retries
    return RetryPlan(tuple(float(delay) for delay in delays[: task.retries]), *sorted(task.tags))
