"""When Dagster last checked a schedule, according to its instance."""

from __future__ import annotations

from datetime import datetime

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter, ScheduleEvaluationContext

from floe_orchestrator_dagster.internals import SCHEDULE_NAME_TAG, last_look
from floe_orchestrator_dagster.names.dagster_names import NOMINAL_TIME_TAG


def last_evaluation(
    context: ScheduleEvaluationContext, schedule_name: str, moment: datetime
) -> datetime | None:
    """Return the last time that the schedule was checked before this evaluation of `moment`.

    None if that is unknown: outside a daemon, or before the first check.
    """
    if context.instance_ref is None:
        return None
    with DagsterInstance.from_ref(context.instance_ref) as instance:
        return last_look(instance, schedule_name, moment)


def has_run_for(context: ScheduleEvaluationContext, schedule_name: str, tick: datetime) -> bool:
    """Return whether the schedule has a run for a tick, though it was not evaluated at it."""
    if context.instance_ref is None:
        return False
    with DagsterInstance.from_ref(context.instance_ref) as instance:
        return instance.get_runs_count(_of_tick(schedule_name, tick)) > 0


def failed_runs(
    context: ScheduleEvaluationContext, schedule_name: str, tick: datetime
) -> int | None:
    """Return how many runs of a tick have failed; None if one is under way, or ended otherwise."""
    if context.instance_ref is None:
        return 0
    with DagsterInstance.from_ref(context.instance_ref) as instance:
        states = [run.status for run in instance.get_runs(_of_tick(schedule_name, tick))]
    return len(states) if {*states} <= {DagsterRunStatus.FAILURE} else None


def _of_tick(schedule_name: str, tick: datetime) -> RunsFilter:
    return RunsFilter(tags={SCHEDULE_NAME_TAG: schedule_name, NOMINAL_TIME_TAG: tick.isoformat()})
