"""The DAG that runs at a job's deadline, and reports it if it was missed.

Airflow's own `DeadlineAlert` belongs to a DAG run, so it does not fire if no run began.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG

from floe_core.alerts import jobs_with_deadlines
from floe_core.alerts.lateness import daily_cron
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Deadline, Job
from floe_orchestrator_airflow.alerts.deadline_operator import FloeDeadlineOperator
from floe_orchestrator_airflow.ticks.timetable import FloeTimetable

TASK = "check_deadline"
RETRIES, RETRY_DELAY = 2, timedelta(seconds=30)


def deadline_dags(artifacts: CompiledArtifacts, project_dir: Path) -> list[DAG]:
    """Return a DAG for each job with a deadline; none for a product without alerts."""
    return [
        _deadline_dag(artifacts, job, job.deadline, project_dir)
        for job in jobs_with_deadlines(artifacts)
        if job.deadline
    ]


def deadline_dag_id(artifacts: CompiledArtifacts, job: Job) -> str:
    """Return the DAG's id, which differs from that of any job, as job names contain no dots."""
    return f"{artifacts.product.name}.{job.name}.deadline"


def _deadline_dag(
    artifacts: CompiledArtifacts, job: Job, deadline: Deadline, project_dir: Path
) -> DAG:
    name = deadline_dag_id(artifacts, job)
    dag = DAG(
        dag_id=name,
        description=f"Alerts if {job.name} has not succeeded by {deadline.time}.",
        schedule=FloeTimetable(daily_cron(deadline), deadline.timezone, name),
        catchup=False,
        max_active_runs=1,
        # A user would not think of unpausing a DAG that only watches another DAG.
        is_paused_upon_creation=False,
        tags=sorted({"floe", artifacts.product.name}),
        default_args={"owner": artifacts.product.owner or "airflow"},
    )
    FloeDeadlineOperator(
        task_id=TASK,
        dag=dag,
        project_dir=project_dir,
        job=job.name,
        retries=RETRIES,
        retry_delay=RETRY_DELAY,
    )
    return dag
