"""The exception with which a building task fails."""

from __future__ import annotations

from floe_core.execution import BuildFailure
from floe_orchestrator_airflow.names.airflow_exceptions import (
    AirflowException,
    AirflowFailException,
)


def error_of(failure: BuildFailure) -> AirflowException:
    """Return the exception for a failed build; Airflow retries only one of the two kinds."""
    kind = AirflowException if failure.may_retry else AirflowFailException
    return kind(failure.text)
