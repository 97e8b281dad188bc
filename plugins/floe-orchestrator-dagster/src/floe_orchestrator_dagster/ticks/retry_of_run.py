"""Lets a run wait for the retry of another one, whose place in Dagster's queue it may have itself.

A retry is a run of its own: it comes seconds after the first one failed, at the end of the queue.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NoReturn

from dagster import DagsterRun, DagsterRunStatus, Failure, OpExecutionContext, RunRecord

from floe_orchestrator_dagster.internals import (
    AUTO_RETRY_RUN_ID_TAG,
    RETRY_NUMBER_TAG,
    WILL_RETRY_TAG,
)
from floe_orchestrator_dagster.names.dagster_names import GAVE_WAY_TAG, RETRY_ON_FAILURE_TAG

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
