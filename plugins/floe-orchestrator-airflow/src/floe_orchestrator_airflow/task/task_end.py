"""How a task ends: with its supervisor, or with an error that Airflow may retry."""

from __future__ import annotations

import signal

from floe_core.execution import BuildFailure, end_with_parent
from floe_orchestrator_airflow.internals import is_run_by_supervisor
from floe_orchestrator_airflow.names.airflow_exceptions import (
    AirflowException,
    AirflowFailException,
)


def error_of(failure: BuildFailure) -> AirflowException:
    """Return the exception for a failed build; Airflow retries only one of the two kinds."""
    kind = AirflowException if failure.may_retry else AirflowFailException
    return kind(failure.text)


def end_with_supervisor() -> None:
    """Make this process end with its supervisor, the way Airflow ends a task.

    Nothing else receives its messages. Do nothing in `airflow dags test`, which runs tasks in its
    own process.
    """
    if is_run_by_supervisor():
        end_with_parent(signal.SIGTERM)
