"""The exception with which a building task fails."""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from floe_core.execution import BuildFailure


def error_of(failure: BuildFailure) -> AirflowException:
    """Return the exception for a failed build; Airflow retries only one of the two kinds."""
    kind = AirflowException if failure.may_retry else AirflowFailException
    return kind(failure.text)
