"""The process of a task, if a supervisor runs it in a process of its own."""

from __future__ import annotations

import signal

from floe_core.execution import end_with_parent
from floe_orchestrator_airflow.internals import is_run_by_supervisor


def end_with_supervisor() -> None:
    """Make this process end with its supervisor, the way Airflow ends a task.

    Nothing else receives its messages. Do nothing in `airflow dags test`, which runs tasks in its
    own process.
    """
    if is_run_by_supervisor():
        end_with_parent(signal.SIGTERM)
