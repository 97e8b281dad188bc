"""What a task that builds fails with."""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from floe_core.execution import BuildFailure


def error_of(failure: BuildFailure) -> AirflowException:
    """Return the error of a build; of its two kinds Airflow retries only the one."""
    kind = AirflowException if failure.may_retry else AirflowFailException
    return kind(failure.text)
