"""Report a DAG run that a user marked as failed while its build was running."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowRuntimeError

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.names.run_of_product import nominal_time
from floe_orchestrator_airflow.task.run_end import report_end_of_run

if TYPE_CHECKING:
    from airflow.sdk import Context


def report_if_marked_failed(artifacts: CompiledArtifacts, job: str, context: Context) -> None:
    """Report the run if it has ended, called when Airflow has stopped its build.

    Airflow also stops a task that is cleared or whose worker shuts down: then the run goes on, and
    the DAG's callbacks report its end.
    """
    ti = context["ti"]
    try:
        state = ti.get_dagrun_state(ti.dag_id, ti.run_id)
    except (OSError, AirflowRuntimeError):
        return
    if state == "failed":
        report_end_of_run(
            artifacts,
            job,
            ti.dag_id,
            ti.run_id,
            succeeded=False,
            problem="the run was canceled",
            nominal_time=nominal_time(context),
            clear_number=getattr(context["dag_run"], "clear_number", None) or 0,
        )
