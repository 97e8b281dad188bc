"""The Prefect state of a node that ended, and what a state changes in a task run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Cancelled, Completed, Failed

from floe_core.runs.build_events import NodeResult

# The second is Prefect's own name for a run that was not needed, as its result is still valid.
WARNED, CACHED, SKIPPED = "Warned", "Cached", "Skipped"


def state_of(result: NodeResult) -> State[None]:
    """Return a completed, failed or, for a node that dbt did not reach, cancelled state.

    A disabled node is completed, as in a run without it.
    """
    message = result.message or result.status
    if result.is_disabled:
        return Completed(name=SKIPPED, message=message)
    if result.status == "skipped":
        return Cancelled(name=SKIPPED, message=message)
    if result.status == "warn":
        return Completed(name=WARNED, message=message)
    if result.status == "reused":
        return Completed(name=CACHED, message=message)
    return Completed(message=message) if result.passed else Failed(message=message)


def in_state(run: TaskRun, state: State[Any]) -> TaskRun:
    """Return a task run in its next state, with the times and counts that Prefect's engine sets."""
    before = run.state
    if before and state.timestamp <= before.timestamp:
        # The server takes the latest for the current one.
        later = before.timestamp + timedelta(microseconds=1)
        state = state.model_copy(update={"timestamp": later})
    at = state.timestamp
    changes: dict[str, Any] = {
        "state": state,
        "state_id": state.id,
        "state_type": state.type,
        "state_name": state.name,
        "expected_start_time": run.expected_start_time or at,
        "end_time": at if state.is_final() else None,
    }
    if before and before.is_running():
        changes["total_run_time"] = run.total_run_time + (at - before.timestamp)
    if state.is_running():
        changes["run_count"] = run.run_count + 1
    if state.is_running() or state.is_completed():
        changes["start_time"] = run.start_time or at
    return run.model_copy(update=changes)
