"""Ends runs that wait in Dagster's queue while a newer tick of their schedule has come."""

from __future__ import annotations

from datetime import datetime

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter, ScheduleEvaluationContext

from floe_orchestrator_dagster.internals import SCHEDULE_NAME_TAG
from floe_orchestrator_dagster.names.dagster_names import NOMINAL_TIME_TAG, REPLACED_TAG


def replace_waiting_runs(
    context: ScheduleEvaluationContext,
    schedule_name: str,
    tick: datetime,
    after: datetime | None = None,
) -> None:
    """Cancel the schedule's queued runs for earlier ticks, as the run for this tick replaces them.

    Those up to `after` are left.
    A test of the schedule in Dagster's UI starts no run, so it replaces none.
    """
    if context.instance_ref is None or not _is_by_daemon(context):
        return
    waiting = RunsFilter(
        statuses=[DagsterRunStatus.QUEUED], tags={SCHEDULE_NAME_TAG: schedule_name}
    )
    with DagsterInstance.from_ref(context.instance_ref) as instance:
        for run in instance.get_runs(waiting):
            moment = run.tags.get(NOMINAL_TIME_TAG)
            earlier = datetime.fromisoformat(moment) if moment else tick
            if earlier < tick and (after is None or earlier > after):
                instance.add_run_tags(run.run_id, {REPLACED_TAG: tick.isoformat()})
                why = f"It waited for another run until {tick.isoformat()}, whose run replaces it."
                instance.report_run_canceled(run, message=why)


def _is_by_daemon(context: ScheduleEvaluationContext) -> bool:
    """Return whether the daemon evaluates: the logs of its evaluations have the tick's id."""
    *_, last = context.log_key or [""]
    return last.isdigit()
