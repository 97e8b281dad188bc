"""The sensor that reports ends of runs and missed deadlines, and sends waiting alerts."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from dagster import (
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
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.alerts.run_end import report_end_of_run
from floe_orchestrator_dagster.names.asset_map import AssetMap
from floe_orchestrator_dagster.names.dagster_names import JOB_TAG, PRODUCT_TAG, plain
from floe_orchestrator_dagster.names.repository_of_run import is_in, repository_of_sensor

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
