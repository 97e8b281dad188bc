"""The callbacks of a DAG that report how its runs end.

Airflow's DAG processor calls them, however the run's tasks ended.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_core.execution import has_reported_ends
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

if TYPE_CHECKING:
    from airflow.sdk import Context

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
