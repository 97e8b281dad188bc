"""Reports ends of runs and missed deadlines, from the sensor of a product and after `floe run`."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from dagster import (
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    DefaultSensorStatus,
    RunRecord,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
)

from floe_core.alerts import report_lateness, send_waiting
from floe_core.execution import outcome_of_run, report_outcome
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.secrets.references import setting
from floe_core.storage.state_folder import runs_place
from floe_orchestrator_dagster.internals import SCHEDULED_EXECUTION_TIME_TAG, WILL_RETRY_TAG
from floe_orchestrator_dagster.names.asset_map import AssetMap
from floe_orchestrator_dagster.names.dagster_names import (
    JOB_TAG,
    NOMINAL_TIME_TAG,
    NOT_OURS_TAG,
    PRODUCT_TAG,
    REPLACED_TAG,
    job_of_run,
    plain,
)
from floe_orchestrator_dagster.names.repository_of_run import is_in, repository_of_sensor
from floe_orchestrator_dagster.step.run_config import parameters_of_run
from floe_orchestrator_dagster.step.run_of_step import resumed_runs

INTERVAL_SECONDS = 10
# Each evaluation overlaps the last, since a run's end may be written after that of a later run.
# No end is reported twice.
_OVERLAP_SECONDS = 60
_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
_UNDER_WAY = [each for each in DagsterRunStatus if each not in _ENDED]


def alert_sensor(artifacts: CompiledArtifacts, asset_map: AssetMap) -> SensorDefinition:
    """Return the sensor of a product with alerts or lineage.

    It reports runs that end from the daemon's first evaluation on. It starts no runs.
    """

    def report_ended_runs(context: SensorEvaluationContext) -> SkipReason:
        since = float(context.cursor) if context.cursor else time.time()
        count, repository = 0, repository_of_sensor(context)
        for record in ended_runs(context.instance, since - _OVERLAP_SECONDS):
            since = max(since, record.update_timestamp.timestamp())
            run = record.dagster_run
            if is_in(repository, run) and _is_of_product(run, artifacts, asset_map):
                end = datetime.fromtimestamp(record.end_time, UTC) if record.end_time else None
                report_end_of_run(artifacts, context.instance, run, end)
                count += 1
        # After the ends of runs, since these may have met a deadline.
        report_lateness(
            artifacts, lambda job: is_under_way(artifacts, context.instance, job, repository)
        )
        send_waiting(artifacts)
        context.update_cursor(str(since))
        return SkipReason(f"reported {count} ended runs")

    name = f"{plain(artifacts.product.name)}__alerts"
    return SensorDefinition(
        name=name,
        evaluation_fn=report_ended_runs,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=DefaultSensorStatus.RUNNING,
        description=_description(artifacts),
    )


def _description(artifacts: CompiledArtifacts) -> str:
    if artifacts.alerts:
        return "Alerts when a run fails, warns, recovers, or is late."
    return "Completes the lineage of runs whose worker was killed."


def ended_runs(instance: DagsterInstance, since: float) -> list[RunRecord]:
    """Return the runs that ended after a moment, in order of their ends.

    `since` is in seconds since the epoch.
    """
    moment = datetime.fromtimestamp(since, UTC)
    found = instance.get_run_records(
        filters=RunsFilter(statuses=_ENDED, updated_after=moment),
        order_by="update_timestamp",
        ascending=True,
    )
    return list(found)


def is_under_way(
    artifacts: CompiledArtifacts, instance: DagsterInstance, job: str, repository: str
) -> bool:
    """Return whether a run of a job is queued or in progress in a repository."""
    tags = {PRODUCT_TAG: artifacts.product.name, JOB_TAG: job}
    found = instance.get_runs(RunsFilter(statuses=_UNDER_WAY, tags=tags))
    return any(is_in(repository, run) for run in found)


def _is_of_product(run: DagsterRun, artifacts: CompiledArtifacts, asset_map: AssetMap) -> bool:
    """Return whether a run built part of the product: one of its jobs, or assets picked by hand."""
    if PRODUCT_TAG in run.tags:
        return run.tags[PRODUCT_TAG] == artifacts.product.name
    keys = {key for keys in asset_map.built_keys.values() for key in keys}
    checks = set(asset_map.check_keys.values())
    chosen, checked = run.asset_selection or set(), run.asset_check_selection or set()
    return bool(chosen & keys or checked & checks)


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


def failure_message(instance: DagsterInstance, run_id: str) -> str:
    """Return the error of the failed step, or else of the run."""
    kinds = {DagsterEventType.STEP_FAILURE, DagsterEventType.RUN_FAILURE}
    for entry in instance.all_logs(run_id, of_type=kinds):
        event = entry.dagster_event
        if event is None:
            continue
        if event.is_step_failure:
            failure = event.step_failure_data.user_failure_data
            error = event.step_failure_data.error
            return (failure.description if failure else "") or (error.message if error else "")
        if event.message:
            return event.message
    return ""
