"""The time range of a run's partitions, for dbt."""

from __future__ import annotations

from collections.abc import Mapping

from dagster import DagsterInvariantViolationError, Failure, OpExecutionContext

from floe_core.runs.run_parameters import TimeRange
from floe_orchestrator_dagster.names.dagster_names import RANGE_END_TAG, RANGE_START_TAG


def range_of(context: OpExecutionContext) -> TimeRange | None:
    """Return the time range of a run: that in its tags, else that of its partitions.

    Raises:
        Failure: The tags give only half of a range, or one that is invalid.
    """
    return _range_in(context.run.tags) or _range_of_partitions(context)


def _range_in(tags: Mapping[str, str]) -> TimeRange | None:
    start, end = tags.get(RANGE_START_TAG), tags.get(RANGE_END_TAG)
    if not (start or end):
        return None
    try:
        return TimeRange.parse(start or "", end or "")
    except ValueError as error:
        what = f"the tags {RANGE_START_TAG} and {RANGE_END_TAG} must be ISO times: {error}"
        raise Failure(what, allow_retries=False) from None


def _range_of_partitions(context: OpExecutionContext) -> TimeRange | None:
    if not (context.has_partition_key or context.has_partition_key_range):
        return None
    try:
        window = context.partition_time_window
    except DagsterInvariantViolationError:
        context.log.warning(
            "the partitions of this run have no time dimension, so dbt gets no time range"
        )
        return None
    return TimeRange.parse(window.start.isoformat(), window.end.isoformat())
