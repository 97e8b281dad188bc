"""Report the end of a run for alerts and lineage, as Dagster recorded it."""

from __future__ import annotations

from datetime import datetime

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus

from floe_core.execution import outcome_of_run, report_outcome
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.secrets.references import setting
from floe_core.storage.state_folder import runs_place
from floe_orchestrator_dagster.internals import SCHEDULED_EXECUTION_TIME_TAG, WILL_RETRY_TAG
from floe_orchestrator_dagster.names.dagster_names import (
    JOB_TAG,
    NOMINAL_TIME_TAG,
    NOT_OURS_TAG,
    REPLACED_TAG,
    job_of_run,
)
from floe_orchestrator_dagster.step.failure_message import failure_message
from floe_orchestrator_dagster.step.resumed_run import resumed_runs
from floe_orchestrator_dagster.step.run_config import parameters_of_run


def report_end_of_run(
    artifacts: CompiledArtifacts,
    instance: DagsterInstance,
    run: DagsterRun,
    ended_at: datetime | None = None,
) -> None:
    """Report a run that has ended, unless Dagster retries it with a new run, or replaced it.

    A run whose tick another one builds is not reported either.

    Pass `ended_at` for a run that may have ended a while ago.
    """
    has_successor = run.tags.get(WILL_RETRY_TAG) == "true" or _is_replaced(instance, run)
    if has_successor or NOT_OURS_TAG in run.tags or not run.is_finished:
        return
    builds = [id_ for each in resumed_runs(run, instance) for id_ in _builds_of(artifacts, each)]
    moment = run.tags.get(NOMINAL_TIME_TAG) or run.tags.get(SCHEDULED_EXECUTION_TIME_TAG)
    outcome = outcome_of_run(
        artifacts,
        job_of_run(artifacts, run.tags.get(JOB_TAG, "")),
        run.run_id,
        succeeded=run.status is DagsterRunStatus.SUCCESS,
        build_ids=[*builds, *_builds_of(artifacts, run.run_id)],
        problem=_problem(instance, run),
        nominal_time=datetime.fromisoformat(moment) if moment else None,
        link=_link(artifacts, run.run_id),
        ended_at=ended_at,
        parameters=parameters_of_run(run, artifacts),
    )
    report_outcome(artifacts, outcome)


def _is_replaced(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Return whether the run of a later tick replaced it.

    A run that is executed again has a copy of the first one's tag.
    """
    tick = run.tags.get(REPLACED_TAG)
    first = instance.get_run_by_id(run.parent_run_id) if tick and run.parent_run_id else None
    return tick is not None and (first is None or first.tags.get(REPLACED_TAG) != tick)


def _builds_of(artifacts: CompiledArtifacts, run_id: str) -> list[str]:
    """Return the ids of a run's builds on this machine: one, or one per step."""
    runs = runs_place(artifacts.folder)
    return [run_id, *sorted(path.name for path in runs.glob(f"{run_id}.*"))]


def _problem(instance: DagsterInstance, run: DagsterRun) -> str:
    if run.status is DagsterRunStatus.SUCCESS:
        return ""
    is_canceled = run.status is DagsterRunStatus.CANCELED
    return "the run was canceled" if is_canceled else failure_message(instance, run.run_id)


def _link(artifacts: CompiledArtifacts, run_id: str) -> str:
    """Return the URL of the run's page, "" if the manifest has no URL for Dagster's UI."""
    try:
        url = setting(artifacts.orchestrator.config, "url")
    except ValueError:
        return ""
    return f"{url.rstrip('/')}/runs/{run_id}" if url else ""
