"""The Airflow DAG of one job of a compiled product."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_airflow.alerts import end_callbacks
from floe_orchestrator_airflow.dag.dag_documentation import dag_documentation
from floe_orchestrator_airflow.dag.job_tasks import add_job_tasks
from floe_orchestrator_airflow.dag.trigger_form import trigger_form
from floe_orchestrator_airflow.names.airflow_names import BUILD, dag_id
from floe_orchestrator_airflow.task.build_operator import FloeBuildOperator
from floe_orchestrator_airflow.ticks.dag_schedule import dag_schedule

if TYPE_CHECKING:
    from floe_core.plugin_api.powers import RetryPlan

# Airflow's name for the pool of a task that names none.
DEFAULT_POOL = "default_pool"

MAX_TAG_LENGTH = 100


def job_dag(
    artifacts: CompiledArtifacts,
    job: Job,
    project_dir: Path,
    dag_arguments: Mapping[str, Any] = MappingProxyType({}),
) -> DAG:
    """Return the DAG that runs a job of the product in this folder.

    `dag_arguments` are arguments of Airflow's `DAG` that override floe's or are added to them.
    """
    ours = {**_arguments(artifacts, job), **end_callbacks(artifacts, job.name, project_dir)}
    dag = DAG(**_merge(ours, dag_arguments))
    add_job_tasks(artifacts, job, project_dir, dag.task_group, sends_alerts=False)
    return dag


def _merge(ours: dict[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return all arguments of a DAG, with the params, default_args and callbacks of both sides."""
    both: dict[str, Any] = {
        name: {**ours[name], **theirs[name]}
        for name in ("params", "default_args")
        if theirs.get(name)
    }
    for name in ("on_success_callback", "on_failure_callback"):
        if name in ours and theirs.get(name):
            added = theirs[name]
            both[name] = [*ours[name], *(added if isinstance(added, list | tuple) else [added])]
    return {**ours, **theirs, **both}


def _arguments(artifacts: CompiledArtifacts, job: Job) -> dict[str, Any]:
    tags = _tags(artifacts)
    name = dag_id(artifacts, job)
    return {
        "dag_id": name,
        "description": artifacts.product.description.split("\n")[0] or None,
        "doc_md": dag_documentation(artifacts, job),
        "schedule": dag_schedule(artifacts, job, name),
        "catchup": False,
        "max_active_runs": 1,
        "tags": tags,
        "default_args": {"owner": artifacts.product.owner or "airflow"},
        "params": trigger_form(artifacts.nodes_of(job)),
    }


def _tags(artifacts: CompiledArtifacts) -> list[str]:
    """Return the tags for finding the product's DAGs; the tags of its nodes are left to dbt."""
    labels = {f"{name}:{value}" for name, value in artifacts.product.labels.items()}
    return sorted(tag[:MAX_TAG_LENGTH] for tag in {"floe", artifacts.product.name, *labels})


def retry_plan(artifacts: CompiledArtifacts, job_name: str) -> RetryPlan:
    """Return the plan of the build task. See `RetryReporter`."""
    from floe_core.plugin_api.powers import RetryPlan

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
