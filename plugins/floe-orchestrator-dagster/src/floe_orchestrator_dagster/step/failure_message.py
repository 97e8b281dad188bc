"""The error with which a Dagster run failed."""

from __future__ import annotations

from dagster import DagsterEventType, DagsterInstance


def failure_message(instance: DagsterInstance, run_id: str) -> str:
    """Return the error of the failed step, or else of the run."""
    kinds = {DagsterEventType.STEP_FAILURE, DagsterEventType.RUN_FAILURE}
    for entry in instance.all_logs(run_id, of_type=kinds):
        event = entry.dagster_event
        if event is None:
            continue
        if event.is_step_failure:
            failure = event.step_failure_data.user_failure_data
            error = event.step_failure_data.error
            return (failure.description if failure else "") or (error.message if error else "")
        if event.message:
            return event.message
    return ""
