"""The process of a task, where a supervisor gives it one of its own."""

from __future__ import annotations

import signal

from floe_core.execution import end_with_parent
from floe_orchestrator_airflow.internals import is_run_by_supervisor


def end_with_supervisor() -> None:
    """Have this process end with its supervisor, which alone hears it, as Airflow ends a task.

    `airflow dags test` runs tasks in its own process, and that is left as it is.
    """
    if is_run_by_supervisor():
        end_with_parent(signal.SIGTERM)
