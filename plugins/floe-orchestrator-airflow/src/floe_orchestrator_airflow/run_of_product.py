"""What a run of Airflow is called in floe's own records."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException

from floe_core.time_range import TimeRange

if TYPE_CHECKING:
    from airflow.sdk import Context


RANGE_START_PARAM, RANGE_END_PARAM = "range_start", "range_end"


def run_name(dag_id: str, run_id: str) -> str:
    """Return the id of a run among all runs of a product: two of its DAGs may use one run id."""
    return f"{dag_id}__{run_id}"


def build_run_id(context: Context) -> str:
    """Return the id that all tasks of a DAG run share."""
    ti = context["ti"]
    return run_name(ti.dag_id, ti.run_id)


def range_of_run(context: Context) -> TimeRange | None:
    """Return the range that the run was told to cover, None for no range.

    Raises:
        AirflowFailException: It was told half of one, or none that can be read.
    """
    start, end = (context["params"].get(name) for name in (RANGE_START_PARAM, RANGE_END_PARAM))
    if not (start or end):
        return None
    try:
        return TimeRange.parsed(str(start or ""), str(end or ""))
    except ValueError as error:
        what = f"{RANGE_START_PARAM} and {RANGE_END_PARAM} are to be ISO times: {error}"
        raise AirflowFailException(what) from None


def nominal_time(context: Context) -> datetime | None:
    """Return the tick or the logical date that the run is for, in UTC; None when it has none."""
    logical_date = context["dag_run"].logical_date
    return None if logical_date is None else logical_date.astimezone(UTC)
