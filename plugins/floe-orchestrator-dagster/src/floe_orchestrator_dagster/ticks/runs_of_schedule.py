"""When Dagster last checked a schedule, and the schedule's runs that failed or still wait."""

from __future__ import annotations

from datetime import datetime

from dagster import (
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    RunsFilter,
    ScheduleEvaluationContext,
)

from floe_orchestrator_dagster.internals import SCHEDULE_NAME_TAG, last_look, repository_of_tick
from floe_orchestrator_dagster.names.dagster_names import NOMINAL_TIME_TAG, REPLACED_TAG
from floe_orchestrator_dagster.names.repository_of_run import is_in, repository_of


def tick_id_of(context: ScheduleEvaluationContext) -> int | None:
    """Return the id of the evaluated tick, None outside a daemon.

    The logs of an evaluation by the daemon are named after it.
    """
    *_, last = context.log_key or [""]
    return int(last) if last.isdigit() else None


def last_evaluation(
    context: ScheduleEvaluationContext, schedule_name: str, moment: datetime
) -> datetime | None:
    """Return the last time that the schedule was checked before this evaluation of `moment`.

    None if that is unknown: outside a daemon, or before the first check.
    """
    if context.instance_ref is None:
        return None
    with DagsterInstance.from_ref(context.instance_ref) as instance:
        return last_look(instance, schedule_name, moment, tick_id_of(context))


def has_run_for(context: ScheduleEvaluationContext, schedule_name: str, tick: datetime) -> bool:
    """Return whether the schedule has a run for a tick, though it was not evaluated at it."""
    return bool(_runs_of(context, schedule_name, tick))


def failed_runs(
    context: ScheduleEvaluationContext, schedule_name: str, tick: datetime
) -> int | None:
    """Return how many runs of a tick have failed; None if one is under way, or ended otherwise."""
    states = [run.status for run in _runs_of(context, schedule_name, tick)]
    return len(states) if {*states} <= {DagsterRunStatus.FAILURE} else None


def _runs_of(
    context: ScheduleEvaluationContext, schedule_name: str, tick: datetime
) -> list[DagsterRun]:
    """Return the runs of the evaluated schedule for a tick; none outside a daemon."""
    if context.instance_ref is None:
        return []
    tags = {SCHEDULE_NAME_TAG: schedule_name, NOMINAL_TIME_TAG: tick.isoformat()}
    with DagsterInstance.from_ref(context.instance_ref) as instance:
        repository = repository_of_tick(instance, schedule_name, tick_id_of(context))
        found = instance.get_runs(RunsFilter(tags=tags))
    return [run for run in found if is_in(repository, run)]


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
