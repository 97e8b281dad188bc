"""Run a product for past ticks, with a backfill in a real Airflow on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunOptions, RunReport
from floe_core.runs.build_events import NodeLog
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.launch import OnEvent, add_dag, follow_run
from floe_orchestrator_airflow.local.service import LocalAirflow


def launch_backfill(
    artifacts: CompiledArtifacts, job_name: str, ticks: Sequence[datetime], on_event: OnEvent
) -> list[RunReport]:
    """Start an Airflow, backfill in it, and stop it. See `BackfillLauncher.launch_backfill`."""
    on_event(NodeLog("", "info", "starting a local Airflow, which takes some 10 seconds"))
    with LocalAirflow.of_product(artifacts) as airflow:
        return backfill_in(airflow, artifacts, job_name, ticks, on_event)


def backfill_in(
    airflow: LocalAirflow,
    artifacts: CompiledArtifacts,
    job_name: str,
    ticks: Sequence[datetime],
    on_event: OnEvent,
) -> list[RunReport]:
    """Backfill in an Airflow that is up. An existing run for a tick is replaced."""
    dag_id = add_dag(airflow, artifacts, job_name, on_event)
    for tick in ticks:
        for run_id in airflow.api.runs_at(dag_id, tick.isoformat()):
            airflow.api.delete_run(dag_id, run_id)
    airflow.api.backfill(dag_id, ticks[0].isoformat(), ticks[-1].isoformat())
    runs = {tick: airflow.api.runs_at(dag_id, tick.isoformat()) for tick in ticks}
    missing = [tick.isoformat() for tick, run_ids in runs.items() if not run_ids]
    if missing:
        raise EnvironmentProblemError(
            f"Airflow's backfill made no run for {', '.join(missing)}; see {airflow.home.folder}"
        )
    return [
        follow_run(airflow, artifacts, RunOptions(job_name, nominal_time=tick), run_id, on_event)
        for tick, (run_id, *_) in runs.items()
    ]
