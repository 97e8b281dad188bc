"""Lets the runs of a schedule build in the order of their ticks, if Dagster's queue does not.

A run may wait for the retry of another one, whose place in the queue it may have itself: a retry is
a run of its own, which comes seconds after the first one failed, at the end of the queue.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NoReturn

from dagster import DagsterRun, DagsterRunStatus, Failure, OpExecutionContext, RunRecord, RunsFilter

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.internals import (
    AUTO_RETRY_RUN_ID_TAG,
    REPOSITORY_TAG,
    RETRY_NUMBER_TAG,
    SCHEDULE_NAME_TAG,
    WILL_RETRY_TAG,
)
from floe_orchestrator_dagster.names.dagster_names import (
    EPOCH_TAG,
    GAVE_WAY_TAG,
    JOB_TAG,
    NOMINAL_TIME_TAG,
    PRODUCT_TAG,
    REPLACED_TAG,
    RETRY_ON_FAILURE_TAG,
    TURN_TAG,
    job_of_run,
)
from floe_orchestrator_dagster.names.repository_of_run import repository_of

# The states of a run that has a retry to come, and of one that is such a retry.
COMING = (
    DagsterRunStatus.FAILURE,
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
)
# A retry that has not come so long after the failure does not come: its job is gone, for example.
RETRY_SECONDS = 300.0
# So often a run gives way: another limit may keep the retry in the queue.
MOST_WAYS = 3
# Tags that Dagster documents for users.
_PRIORITY = "dagster/priority"
_MAX_RETRIES = "dagster/max_retries"
_RETRY_ON_FAILURE = "dagster/retry_on_asset_or_op_failure"

# As long as a build waits for the file of its warehouse.
PATIENCE_SECONDS = 3600.0
POLL_SECONDS = 2.0
# A retry that is in Dagster's queue for longer may need the place there that this run has.
QUEUE_SECONDS = 20.0
_STARTED = (DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING)
_SAME = (PRODUCT_TAG, SCHEDULE_NAME_TAG)
_BUILDS = "builds"
# Of a schedule's runs, the newest to look at.
_MOST = 100
_ADVICE = "with a limit for the tag floe/product in dagster.yaml, runs wait in Dagster's queue"


def wait_for_turn(context: OpExecutionContext, artifacts: CompiledArtifacts) -> None:
    """Wait for the runs of earlier ticks that are under way, and for a later one's that builds.

    A run that Dagster retries is under way until its retry has ended. A run that started after that
    of a later tick is replaced by it, as it would be in the queue, unless it is due anyway. A run
    without a tick waits for none.

    Raises:
        Failure: A later tick replaces this one, the run of another one goes on for too long, or
            this one gives way to a retry in Dagster's queue, and is retried itself.
    """
    tags = context.run.tags
    if SCHEDULE_NAME_TAG not in tags or NOMINAL_TIME_TAG not in tags:
        return
    run = context.instance.get_run_by_id(context.run_id)
    if run is not None and run.tags.get(TURN_TAG) == f"{run.run_id} {_BUILDS}":
        # An earlier step has waited, or an attempt of this one.
        return
    fail_as_before(context)
    _check_later(context, artifacts)
    begin, is_told = time.monotonic(), False
    while before := _before(context):
        which = f"run {before[0].dagster_run.run_id}, of the tick {_tick(before[0]).isoformat()}"
        waited = time.monotonic() - begin
        if waited > QUEUE_SECONDS and may_come_back(context) and _is_queued(before[0]):
            come_back_as_retry(context, before[0].dagster_run, which)
        if waited > PATIENCE_SECONDS:
            why = f"{which}, has not ended for {PATIENCE_SECONDS:.0f} s; terminate it if it is dead"
            raise Failure(f"nothing is built: {why}")
        if not is_told:
            context.log.warning(f"this run waits for {which}, in its process; {_ADVICE}")
            is_told = True
        time.sleep(POLL_SECONDS)
    _note_turn(context, f"{context.run_id} {_BUILDS}")


def _before(context: OpExecutionContext) -> Sequence[RunRecord]:
    """Return the runs that go before this one, which is next if there is no earlier tick's.

    Of two that begin at once, each notes that it is next before it looks at the other: at least one
    sees the other, and the later tick's gives way.
    """
    if earlier := _earlier(context):
        return earlier
    _note_turn(context, context.run_id)
    if earlier := _earlier(context):
        _note_turn(context, "")
        return earlier
    others = _others(context, *_STARTED)
    return [each for each in others if _is_next(each) and _tick(each) > _own(context)]


def _earlier(context: OpExecutionContext) -> Sequence[RunRecord]:
    """Return the runs of earlier ticks that build, or are going to be run again by Dagster."""
    retries = filter(is_retry_to_come, _others(context, *COMING))
    found = [*_others(context, *_STARTED), *retries]
    return [each for each in found if _tick(each) < _own(context)]


def _note_turn(context: OpExecutionContext, turn: str) -> None:
    context.instance.add_run_tags(context.run_id, {TURN_TAG: turn})


def _is_next(record: RunRecord) -> bool:
    run = record.dagster_run
    return run.tags.get(TURN_TAG, "").startswith(run.run_id)


def _is_queued(record: RunRecord) -> bool:
    return record.dagster_run.status is DagsterRunStatus.QUEUED


def _check_later(context: OpExecutionContext, artifacts: CompiledArtifacts) -> None:
    """Check that no run of a later tick had started before this one, unless this one has to run."""
    found = _others(context, *_STARTED, DagsterRunStatus.SUCCESS)
    began = _start(context.instance.get_run_record_by_id(context.run_id))
    later = [each for each in found if _tick(each) > _own(context) and _start(each) < began]
    if not later:
        return
    tick = max(map(_tick, later)).isoformat()
    if _is_due_anyway(context, artifacts):
        context.log.warning(f"the run of the later tick {tick} had started before this run")
        return
    context.instance.add_run_tags(context.run_id, {REPLACED_TAG: tick})
    why = f"the run of the later tick {tick} had started before this run, and replaces it"
    raise Failure(f"nothing is built: {why}; {_ADVICE}", allow_retries=False)


def _is_due_anyway(context: OpExecutionContext, artifacts: CompiledArtifacts) -> bool:
    """Return whether each tick of the schedule has to run, or somebody runs this one again."""
    job = artifacts.job(job_of_run(artifacts, context.run.tags.get(JOB_TAG, "")))
    catches_up = job.schedule is not None and job.schedule.catchup
    return catches_up or EPOCH_TAG in context.run.tags or context.run.parent_run_id is not None


def _others(context: OpExecutionContext, *statuses: DagsterRunStatus) -> Sequence[RunRecord]:
    """Return other runs of the same schedule for a tick."""
    tags = {name: context.run.tags[name] for name in _SAME if name in context.run.tags}
    if repository := repository_of(context.run):
        tags[REPOSITORY_TAG] = repository
    found = context.instance.get_run_records(
        RunsFilter(tags=tags, statuses=[*statuses]), limit=_MOST
    )
    runs = (each for each in found if each.dagster_run.run_id != context.run_id)
    return [each for each in runs if NOMINAL_TIME_TAG in each.dagster_run.tags]


def _own(context: OpExecutionContext) -> datetime:
    return datetime.fromisoformat(context.run.tags[NOMINAL_TIME_TAG])


def _tick(record: RunRecord) -> datetime:
    return datetime.fromisoformat(record.dagster_run.tags[NOMINAL_TIME_TAG])


def _start(record: RunRecord | None) -> float:
    """Return when a run started, in seconds since the epoch; infinity if it has not."""
    return record.start_time if record and record.start_time is not None else float("inf")


def is_retry_to_come(record: RunRecord) -> bool:
    """Return whether Dagster is going to retry a run that failed, or to start one that is a retry.

    The run has one of the states `COMING`.
    """
    run = record.dagster_run
    if run.status is not DagsterRunStatus.FAILURE:
        return RETRY_NUMBER_TAG in run.tags
    is_retried = run.tags.get(WILL_RETRY_TAG) == "true" and AUTO_RETRY_RUN_ID_TAG not in run.tags
    age = datetime.now(UTC).timestamp() - (record.end_time or 0.0)
    return is_retried and age < RETRY_SECONDS


def may_come_back(context: OpExecutionContext) -> bool:
    """Return whether Dagster would retry this run if it gave way."""
    times = _number(context.run, GAVE_WAY_TAG, 0)
    return context.instance.run_retries_enabled and times < MOST_WAYS


def come_back_as_retry(context: OpExecutionContext, other: DagsterRun, which: str) -> NoReturn:
    """End this run, so that another one leaves the queue first, and this one's retry next.

    Raises:
        Failure: Always; Dagster retries the run.
    """
    instance, run = context.instance, context.run
    priority = max(_number(each, _PRIORITY, 0) for each in (run, other)) + 1
    most = _number(run, _MAX_RETRIES, instance.run_retries_max_retries) + 1
    default = str(instance.run_retries_retry_on_asset_or_op_failure).lower()
    own = {
        _PRIORITY: str(priority),
        _MAX_RETRIES: str(most),
        _RETRY_ON_FAILURE: "true",
        RETRY_ON_FAILURE_TAG: run.tags.get(
            RETRY_ON_FAILURE_TAG, run.tags.get(_RETRY_ON_FAILURE, default)
        ),
        GAVE_WAY_TAG: str(_number(run, GAVE_WAY_TAG, 0) + 1),
    }
    instance.add_run_tags(other.run_id, {_PRIORITY: str(priority)})
    instance.add_run_tags(run.run_id, own)
    why = f"{which}, goes first; it waits in Dagster's queue, and Dagster retries this run after it"
    raise Failure(f"nothing is built: {why}", allow_retries=False)


def fail_as_before(context: OpExecutionContext) -> None:
    """Let a step that fails end this run as it would have ended the one that gave way.

    A retry has a copy of that one's tags.
    """
    if before := context.run.tags.get(RETRY_ON_FAILURE_TAG):
        context.instance.add_run_tags(context.run_id, {_RETRY_ON_FAILURE: before})


def _number(run: DagsterRun, tag: str, default: int) -> int:
    """Return the number in a tag, which anybody may have set to something else."""
    text = run.tags.get(tag, "")
    return int(text) if re.fullmatch(r"-?\d+", text) else default
