"""The Airflow DAG of one job of a compiled product."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Param

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_airflow.build_operator import NODE_IDS_PARAM, FloeBuildOperator
from floe_orchestrator_airflow.dag_documentation import dag_documentation
from floe_orchestrator_airflow.dag_id import dag_id
from floe_orchestrator_airflow.doubling_delay import DoublingDelay
from floe_orchestrator_airflow.mirrored_graph import add_mirrors
from floe_orchestrator_airflow.mirrors import mirrors
from floe_orchestrator_airflow.node_assets import node_asset
from floe_orchestrator_airflow.run_of_product import RANGE_END_PARAM, RANGE_START_PARAM
from floe_orchestrator_airflow.task_ids import BUILD
from floe_orchestrator_airflow.timetable import FloeTimetable

# dbt ends at the product's timeout itself and tells which nodes it did not finish. Airflow's own,
# this much later, is for a build that does not even come to that.
TIMEOUT_MARGIN = timedelta(seconds=60)
MAX_TAG_LENGTH = 100
MAX_EXAMPLES = 100


def job_dag(artifacts: CompiledArtifacts, job: Job, project_dir: Path) -> DAG:
    """Return the DAG that runs a job of the product in this folder."""
    shows = mirrors(artifacts, job)
    dag = DAG(
        dag_id=dag_id(artifacts, job),
        description=artifacts.product.description.split("\n")[0] or None,
        doc_md=dag_documentation(artifacts, job),
        schedule=_timetable(artifacts, job),
        catchup=False,
        max_active_runs=1,
        tags=_tags(artifacts, job),
        default_args={"owner": artifacts.product.owner or "airflow"},
        params={
            NODE_IDS_PARAM: _node_ids_param(artifacts, job),
            RANGE_START_PARAM: _range_param("From this time on"),
            RANGE_END_PARAM: _range_param("Up to this time, which is not in it"),
        },
    )
    build = FloeBuildOperator(
        task_id=BUILD,
        dag=dag,
        project_dir=project_dir,
        job=job.name,
        is_mirrored=bool(shows),
        outlets=[node_asset(artifacts, n) for n in artifacts.nodes_of(job) if n.is_relation],
        doc_md="One `dbt build` of the whole job. The other tasks show its nodes.",
        **_policy_arguments(artifacts),
    )
    if shows:
        add_mirrors(artifacts, shows, build)
    return dag


def _timetable(artifacts: CompiledArtifacts, job: Job) -> FloeTimetable | None:
    rule = job.schedule
    if rule is None or not rule.enabled:
        return None
    return FloeTimetable(rule.cron, rule.timezone, dag_id(artifacts, job), rule.since)


def _tags(artifacts: CompiledArtifacts, job: Job) -> list[str]:
    labels = {f"{name}:{value}" for name, value in artifacts.product.labels.items()}
    of_nodes = {tag for node in artifacts.nodes_of(job) for tag in node.tags}
    return sorted(tag[:MAX_TAG_LENGTH] for tag in {"floe", *labels, *of_nodes})


def _node_ids_param(artifacts: CompiledArtifacts, job: Job) -> Param:
    return Param(
        default=[],
        type=["array", "null"],
        items={"type": "string"},
        title="Only these nodes",
        description="Ids of the dbt nodes to build. Empty builds the whole job.",
        # Airflow copies the parameters of a DAG for each of its tasks.
        examples=[node.unique_id for node in artifacts.nodes_of(job)[:MAX_EXAMPLES]],
    )


def _range_param(title: str) -> Param:
    return Param(
        default=None,
        type=["string", "null"],
        format="date-time",
        title=title,
        description="Of a range to fill back in this run; dbt has it as floe_range_start and _end.",
    )


def _policy_arguments(artifacts: CompiledArtifacts) -> dict[str, Any]:
    """Return the product's policy in Airflow's words, where its users see and tune it."""
    policy = artifacts.execution
    delay = timedelta(seconds=policy.retry_delay_seconds)
    arguments: dict[str, Any] = {"retries": artifacts.retries, "retry_delay": delay}
    if policy.pool:
        arguments["pool"] = policy.pool
    if artifacts.retries and policy.retry_backoff == "exponential":
        # Airflow's own is for a worker that died: then nobody is there to ask the policy.
        arguments["retry_exponential_backoff"] = 2.0
        arguments["retry_policy"] = DoublingDelay(delay, artifacts.retries)
    if policy.timeout_seconds is not None:
        arguments["execution_timeout"] = timedelta(seconds=policy.timeout_seconds) + TIMEOUT_MARGIN
    return arguments
