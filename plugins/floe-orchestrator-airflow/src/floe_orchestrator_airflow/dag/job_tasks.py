"""The tasks of a product's job, in any DAG: the build, its mirrors and the outcome."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator, TaskGroup

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_airflow.dag.mirrored_graph import add_mirrors
from floe_orchestrator_airflow.internals import has_retry_policies
from floe_orchestrator_airflow.mirrors.node_mirrors import mirrors
from floe_orchestrator_airflow.names.airflow_names import BUILD
from floe_orchestrator_airflow.names.product_assets import built_assets, read_assets
from floe_orchestrator_airflow.task.build_operator import FloeBuildOperator

# At the product's timeout the build ends itself and reports the nodes it did not finish. Airflow's
# own timeout, this much later, is for a build that fails to do so.
TIMEOUT_MARGIN = timedelta(seconds=60)


def add_job_tasks(
    artifacts: CompiledArtifacts,
    job: Job,
    project_dir: Path,
    group: TaskGroup,
    *,
    sends_alerts: bool = True,
) -> None:
    """Add the tasks of a job to a group of a DAG: the root group if the DAG is the job's own.

    `sends_alerts` is False if the DAG's callbacks report the ends of runs.
    """
    policy = _policy_arguments(artifacts, job)
    nodes = artifacts.nodes_of(job)
    shows = mirrors(artifacts.execution, nodes)
    build = FloeBuildOperator(
        task_id=BUILD,
        dag=group.dag,
        task_group=group,
        project_dir=project_dir,
        job=job.name,
        product=artifacts.product.name,
        is_mirrored=bool(shows),
        sends_alerts=sends_alerts,
        outlets=[a for node in nodes for a in built_assets(artifacts, node)],
        inlets=read_assets(artifacts, job),
        doc_md=_documentation(artifacts.pool_of(job)),
        **policy,
    )
    if shows:
        add_mirrors(shows, build, group, artifacts.dbt.project_name)


def _documentation(pool: str) -> str:
    text = "Runs the whole job. The other tasks show its nodes."
    return (
        f"{text} It waits for a slot of the pool `{pool}`, and forever if there is no such pool."
        if pool
        else text
    )


def _policy_arguments(artifacts: CompiledArtifacts, job: Job) -> dict[str, Any]:
    """Return the policy of a job as task arguments, where Airflow's users see and tune it."""
    policy = artifacts.execution
    delay = timedelta(seconds=policy.retry_delay_seconds)
    arguments: dict[str, Any] = {"retries": artifacts.retries, "retry_delay": delay}
    if pool := artifacts.pool_of(job):
        arguments["pool"] = pool
    if artifacts.retries and policy.retry_backoff == "exponential":
        arguments |= _doubling_delays(delay, artifacts.retries)
    if policy.timeout_seconds is not None:
        arguments["execution_timeout"] = timedelta(seconds=policy.timeout_seconds) + TIMEOUT_MARGIN
    return arguments


def _doubling_delays(delay: timedelta, retries: int) -> dict[str, Any]:
    """Return the arguments of a task each of whose retries waits twice as long as the one before.

    Airflow's own backoff is for a worker that died, when no process evaluates the policy, and for
    an Airflow without policies. It doubles where it is a multiplier of 2, or true in older ones.
    """
    kind = type(BaseOperator.retry_exponential_backoff)
    arguments: dict[str, Any] = {"retry_exponential_backoff": kind(2)}
    if has_retry_policies():
        from floe_orchestrator_airflow.dag.doubling_delay import DoublingDelay

        arguments["retry_policy"] = DoublingDelay(delay, retries)
    return arguments
