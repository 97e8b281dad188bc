"""Until when Dagster has looked after a schedule, by what its instance keeps."""

from __future__ import annotations

from datetime import UTC, datetime

from dagster import DagsterInstance, RunsFilter, ScheduleEvaluationContext
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorState, ScheduleInstigatorData
from dagster._core.storage.tags import SCHEDULE_NAME_TAG

from floe_orchestrator_dagster.dagster_names import NOMINAL_TIME_TAG


def last_evaluation(context: ScheduleEvaluationContext, moment: datetime) -> datetime | None:
    """Return the last time before this evaluation, of `moment`, that the schedule was looked at.

    That is its tick before, the hourly mark of the daemon, or its start, whichever is latest. None
    when none is known: outside a daemon, or before anything was.
    """
    if context.instance_ref is None:
        return None
    with DagsterInstance.from_ref(context.instance_ref) as instance:
        for state in instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE):
            if state.instigator_name == context._schedule_name:
                found = _before(instance, state, moment)
                if found:
                    return datetime.fromtimestamp(found, UTC)
    return None


def has_run_for(context: ScheduleEvaluationContext, tick: datetime) -> bool:
    """Return whether the schedule has a run for a tick, though it was not evaluated at it."""
    if context.instance_ref is None:
        return False
    tags = {SCHEDULE_NAME_TAG: context._schedule_name or "", NOMINAL_TIME_TAG: tick.isoformat()}
    with DagsterInstance.from_ref(context.instance_ref) as instance:
        return instance.get_runs_count(RunsFilter(tags=tags)) > 0


def _before(instance: DagsterInstance, state: InstigatorState, moment: datetime) -> float:
    """Return a timestamp, 0 when the schedule of this state is not the one being evaluated."""
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=2)
    if not ticks or ticks[0].timestamp != moment.timestamp():
        return 0.0
    known = [tick.timestamp for tick in ticks[1:]]
    data = state.instigator_data
    if isinstance(data, ScheduleInstigatorData):
        known += [data.start_timestamp or 0.0, data.last_iteration_timestamp or 0.0]
    return max(known, default=0.0)
