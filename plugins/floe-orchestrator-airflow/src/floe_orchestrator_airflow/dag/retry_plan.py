"""How Airflow retries a job's build, read from its task."""

from __future__ import annotations

from datetime import timedelta

from floe_core.plugin_api.powers import RetryPlan
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.dag.job_dag import job_dag
from floe_orchestrator_airflow.names.task_ids import BUILD
from floe_orchestrator_airflow.task.build_operator import FloeBuildOperator

# Airflow's name for the pool of a task that names none.
DEFAULT_POOL = "default_pool"


def retry_plan(artifacts: CompiledArtifacts, job_name: str) -> RetryPlan:
    """Return the plan of the build task. See `RetryReporter`."""
    task = job_dag(artifacts, artifacts.job(job_name), artifacts.folder).get_task(BUILD)
    assert isinstance(task, FloeBuildOperator)
    retries = task.retries or 0
    delays = tuple(_delay(task, number, retries) for number in range(1, retries + 1))
    return RetryPlan(delays, "" if task.pool == DEFAULT_POOL else task.pool)


def _delay(task: FloeBuildOperator, number: int, retries: int) -> float:
    """Return the seconds before a retry: from the task's policy, else its fixed delay."""
    delay: timedelta | None = None
    if task.retry_policy is not None:
        decision = task.retry_policy.evaluate(RuntimeError(), number, retries)
        delay = decision.retry_delay
    return (delay or task.retry_delay).total_seconds()
