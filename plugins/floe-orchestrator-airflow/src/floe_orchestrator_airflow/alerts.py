"""What a DAG file adds for alerts: callbacks that report ends of runs, and DAGs for deadlines.

Airflow's DAG processor calls the callbacks, however the run's tasks ended. Airflow's own
`DeadlineAlert` belongs to a DAG run, so it does not fire if no run began: a DAG of its own runs at
a job's deadline.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import AirflowRuntimeError

from floe_core.alerts import jobs_with_deadlines
from floe_core.alerts.lateness import daily_cron
from floe_core.execution import has_reported_ends
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Deadline, Job
from floe_orchestrator_airflow.names.airflow_names import dag_id
from floe_orchestrator_airflow.names.run_of_product import nominal_time
from floe_orchestrator_airflow.ticks.timetable import FloeTimetable

if TYPE_CHECKING:
    from airflow.sdk import Context

UNFINISHED = ["queued", "running"]

TASK = "check_deadline"
RETRIES, RETRY_DELAY = 2, timedelta(seconds=30)

Callback = Callable[["Context"], None]


def end_callbacks(
    artifacts: CompiledArtifacts, job: str, project_dir: Path
) -> dict[str, list[Callback]]:
    """Return the DAG arguments with the callbacks that report the ends of its runs.

    Each callback makes the DAG processor parse the file. So a product without alerts has one for
    failures alone, whose builds may have been killed, and only if it has lineage.
    """
    if not has_reported_ends(artifacts):
        return {}

    def report_success(context: Context) -> None:
        _report(context, job, project_dir, succeeded=True)

    def report_failure(context: Context) -> None:
        _report(context, job, project_dir, succeeded=False)

    successes = {"on_success_callback": [report_success]} if artifacts.alerts else {}
    return {**successes, "on_failure_callback": [report_failure]}


def _report(context: Context, job: str, project_dir: Path, *, succeeded: bool) -> None:
    """Report a run. Airflow may pass only its ids and the reason why it ended."""
    from floe_orchestrator_airflow.task.run_end import report_end_of_run

    run: Any = context.get("dag_run")
    moment = getattr(run, "logical_date", None)
    report_end_of_run(
        CompiledArtifacts.load(project_dir),
        job,
        context["dag"].dag_id,
        context["run_id"],
        succeeded=succeeded,
        problem=str(context.get("reason") or "").replace("_", " "),
        nominal_time=moment.astimezone(UTC) if moment else None,
        clear_number=getattr(run, "clear_number", None) or 0,
        ended_at=getattr(run, "end_date", None),
        conf=getattr(run, "conf", None),
    )


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


class FloeDeadlineOperator(BaseOperator):
    """Alerts if a job missed its last deadline, after a minute's wait for ends to be reported."""

    ui_color = "#ffd180"

    def __init__(self, *, project_dir: Path, job: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.project_dir = project_dir
        self.job = job

    def execute(self, context: Context) -> None:
        """Check the deadline, once the runs that ended in time have been reported."""
        from floe_core.alerts.deadline_watch import GRACE, report_lateness

        artifacts, ti = CompiledArtifacts.load(self.project_dir), context["ti"]
        moment = nominal_time(context)
        if moment is not None:
            time.sleep(max(0.0, (moment + GRACE - datetime.now(UTC)).total_seconds() + 0.1))

        def is_running(job: str) -> bool | None:
            try:
                name = dag_id(artifacts, artifacts.job(job))
                return ti.get_dr_count(name, states=UNFINISHED) > 0
            except (OSError, AirflowRuntimeError):
                return None

        # Airflow runs this only for a moment at which the DAG already existed.
        states = report_lateness(artifacts, is_running, only=self.job, known_since=moment)
        for state in states:
            self.log.info("%s: %s", self.job, "late" if state.missed else "not late")
