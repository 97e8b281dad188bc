"""Report a run whose process died to the instance, since nothing else does."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def report_dead_run(home: Path, run_id: str, reason: str) -> None:
    """Mark the run as failed or canceled, unless it ended, never began, or cannot be written."""
    from sqlalchemy.exc import SQLAlchemyError

    # On a full disk the instance is not writable; the caller reports why the run ended.
    with suppress(OSError, SQLAlchemyError):
        _report(home, run_id, reason)


def _report(home: Path, run_id: str, reason: str) -> None:
    from dagster import DagsterRunStatus

    from floe_orchestrator_dagster.local.open_instance import open_instance
    from floe_orchestrator_dagster.step.internals import free_slots_of_run

    with open_instance(home) as instance:
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, reason)
        else:
            instance.report_run_failed(run, reason)
        # No daemon runs on this instance.
        free_slots_of_run(instance, run_id)
