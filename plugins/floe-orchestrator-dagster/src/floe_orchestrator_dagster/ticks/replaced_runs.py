"""Ends runs that wait in Dagster's queue while a newer tick of their schedule has come."""

from __future__ import annotations

from datetime import datetime

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter, ScheduleEvaluationContext

from floe_orchestrator_dagster.internals import SCHEDULE_NAME_TAG, repository_of_tick
from floe_orchestrator_dagster.names.dagster_names import NOMINAL_TIME_TAG, REPLACED_TAG
from floe_orchestrator_dagster.names.repository_of_run import repository_of
from floe_orchestrator_dagster.ticks.last_evaluation import tick_id_of


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
    tick_id = tick_id_of(context)
    if context.instance_ref is None or tick_id is None:
        return
    waiting = RunsFilter(
        statuses=[DagsterRunStatus.QUEUED], tags={SCHEDULE_NAME_TAG: schedule_name}
    )
    with DagsterInstance.from_ref(context.instance_ref) as instance:
        repository = repository_of_tick(instance, schedule_name, tick_id)
        found = instance.get_runs(waiting) if repository else []
        for run in (each for each in found if repository_of(each) == repository):
            moment = run.tags.get(NOMINAL_TIME_TAG)
            earlier = datetime.fromisoformat(moment) if moment else tick
            if earlier < tick and (after is None or earlier > after):
                instance.add_run_tags(run.run_id, {REPLACED_TAG: tick.isoformat()})
                why = f"It waited for another run until {tick.isoformat()}, whose run replaces it."
                instance.report_run_canceled(run, message=why)
