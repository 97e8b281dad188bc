"""Report the end of a DAG run for alerts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from floe_core.alerts import parameters_among
from floe_core.execution import outcome_of_run, report_outcome
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.secrets.references import setting
from floe_orchestrator_airflow.names.run_of_product import NODE_IDS_PARAM, nominal_time, run_name

if TYPE_CHECKING:
    from airflow.sdk import Context


def report_end_of_run(
    artifacts: CompiledArtifacts,
    job: str,
    dag_id: str,
    run_id: str,
    *,
    succeeded: bool,
    problem: str = "",
    nominal_time: datetime | None = None,
    clear_number: int = 0,
    ended_at: datetime | None = None,
    conf: Mapping[str, Any] | None = None,
) -> None:
    """Report that a run of the job's own DAG has ended.

    `clear_number` is Airflow's count of how often the run was cleared and went on after an end.
    Pass `ended_at` for a run that ended a while ago. `conf` is the run's configuration.
    """
    name = run_name(dag_id, run_id)
    outcome = outcome_of_run(
        artifacts,
        job,
        f"{name}.{clear_number}" if clear_number else name,
        succeeded=succeeded,
        build_ids=[name],
        problem=problem,
        nominal_time=nominal_time,
        link=_link(artifacts, dag_id, run_id),
        ended_at=ended_at,
        parameters=parameters_among(conf or {}, NODE_IDS_PARAM),
    )
    report_outcome(artifacts, outcome)


def report_if_marked_failed(artifacts: CompiledArtifacts, job: str, context: Context) -> None:
    """Report the run if it has ended, called when Airflow has stopped its build.

    Airflow also stops a task that is cleared or whose worker shuts down: then the run goes on, and
    the DAG's callbacks report its end.
    """
    from airflow.sdk.exceptions import AirflowRuntimeError

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


def _link(artifacts: CompiledArtifacts, dag_id: str, run_id: str) -> str:
    """Return the URL of the run's page, "" if the manifest has no URL for Airflow's UI."""
    try:
        url = setting(artifacts.orchestrator.config, "url")
    except ValueError:
        return ""
    return f"{url.rstrip('/')}/dags/{quote(dag_id)}/runs/{quote(run_id)}" if url else ""
