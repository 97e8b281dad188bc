"""Evaluates a schedule at one moment: run requests for ticks, or a reason to skip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from dagster import RunRequest, ScheduleEvaluationContext, SkipReason

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules import is_tick, latest_tick, ticks_between
from floe_core.schedules.live_schedules import live_job
from floe_core.schedules.ownership import other_owner
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job, Schedule
from floe_orchestrator_dagster.names.dagster_names import NOMINAL_TIME_TAG
from floe_orchestrator_dagster.names.partitions import tags_of_run
from floe_orchestrator_dagster.ticks.requested_ticks import Requested, RequestedTicks, request_of
from floe_orchestrator_dagster.ticks.runs_of_schedule import (
    has_run_for,
    last_evaluation,
    replace_waiting_runs,
)

Evaluation = Callable[[ScheduleEvaluationContext], Iterator[RunRequest | SkipReason]]


def evaluation(artifacts: CompiledArtifacts, job: Job, schedule_name: str) -> Evaluation:
    """Return the function that Dagster calls for a schedule at each of its moments.

    It uses the schedule in effect at that moment. A daemon reloads code once a minute; a schedule
    that was paused, removed or replaced since then starts nothing.
    """

    def evaluate(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        try:
            live = live_job(artifacts, job)
        except EnvironmentProblemError as error:
            context.log.warning("using the schedule as it was loaded: %s", error)
            live = job
        # Dagster takes several requests from a generator only.
        for found in _requests(artifacts, live, schedule_name, context):
            yield with_partitions(artifacts, job, found)

    return evaluate


def _requests(
    artifacts: CompiledArtifacts,
    live: Job,
    schedule_name: str,
    context: ScheduleEvaluationContext,
) -> Requested:
    if live.owner is None:
        return runs_or_reason(live.schedule, live.name, schedule_name, context)
    if why := other_owner(live.owner, artifacts.orchestrator.name):
        return [SkipReason(why)]
    owned = RequestedTicks(artifacts, live, live.owner)
    found = runs_or_reason(live.schedule, live.name, schedule_name, context, owned)
    return owned.with_late(found, schedule_name, context)


def with_partitions(
    artifacts: CompiledArtifacts, job: Job, requested: RunRequest | SkipReason
) -> RunRequest | SkipReason:
    """Return a run request with the partitions that its tick builds."""
    if isinstance(requested, SkipReason):
        return requested
    tick = datetime.fromisoformat(requested.tags[NOMINAL_TIME_TAG])
    tags = {**requested.tags, **tags_of_run(artifacts, job, tick)}
    return RunRequest(run_key=requested.run_key, tags=tags)


def runs_or_reason(
    schedule: Schedule | None,
    job_name: str,
    schedule_name: str,
    context: ScheduleEvaluationContext,
    owned: RequestedTicks | None = None,
) -> Requested:
    """Return the run requests or the skip reason of a schedule at the context's moment."""
    moment = context.scheduled_execution_time.astimezone(UTC)
    if schedule is None:
        return [SkipReason(f"the schedule of {job_name} was removed with floe")]
    if schedule.since is not None and not schedule.enabled:
        return [SkipReason(f"paused with floe; `floe schedule resume {job_name}` starts it again")]
    rule = f"{schedule.cron} in {schedule.timezone}"
    tick = _tick_at(schedule, schedule_name, moment, context)
    if tick is None:
        return [SkipReason(f"{moment.isoformat()} is not a tick of {rule}")]
    if schedule.since is not None and tick < schedule.since:
        since = schedule.since.isoformat(timespec="seconds")
        return [SkipReason(f"{tick.isoformat()} is before {rule} was set, at {since}")]
    if owned and (why := owned.why_not(tick)):
        return [SkipReason(why)]
    if schedule.catchup:
        missed = _missed_before(tick, schedule, schedule_name, context)
        missed = [each for each in missed if not (owned and owned.why_not(each))]
        return [request_of(each, run_key=each.isoformat()) for each in (*missed, tick)]
    replace_waiting_runs(context, schedule_name, tick, owned.owner.late_until if owned else None)
    return [request_of(tick)]


def _missed_before(
    tick: datetime, schedule: Schedule, schedule_name: str, context: ScheduleEvaluationContext
) -> list[datetime]:
    """Return the ticks since the last evaluation, which was before an outage, in order."""
    moment = context.scheduled_execution_time.astimezone(UTC)
    last = last_evaluation(context, schedule_name, moment)
    if last is None:
        return []
    passed = ticks_between(schedule.cron, schedule.timezone, last, tick)
    since = max(last, schedule.since) if schedule.since else last
    return [each for each in passed if each > since]


def _tick_at(
    schedule: Schedule, schedule_name: str, moment: datetime, context: ScheduleEvaluationContext
) -> datetime | None:
    """Return the tick to run: the moment itself, or one missed while no daemon was running.

    After an outage Dagster evaluates only the last moment, which need not be a tick.
    """
    if is_tick(schedule.cron, schedule.timezone, moment):
        return moment
    last = last_evaluation(context, schedule_name, moment)
    missed = latest_tick(schedule.cron, schedule.timezone, moment)
    if last is None or last >= missed or has_run_for(context, schedule_name, missed):
        return None
    return missed
