"""The partitions of floe.yaml as Dagster's: of assets, as tags of runs, as a range for dbt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from dagster import (
    DagsterInvariantViolationError,
    DailyPartitionsDefinition,
    Failure,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    OpExecutionContext,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)

from floe_core.foundation.errors import UsageError
from floe_core.partitions.calendar import Partition
from floe_core.partitions.chosen import RANGE, name_partitions, partitions_of_run
from floe_core.runs.run_parameters import TimeRange
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.partitions import PartitionBy, Partitions
from floe_core.schemas.policies import Job
from floe_orchestrator_dagster.names.dagster_names import RANGE_END_TAG, RANGE_START_TAG

# Tags of Dagster's own runs. They are stored in the databases of all deployments.
PARTITION_TAG = "dagster/partition"
FIRST_PARTITION_TAG = "dagster/asset_partition_range_start"
LAST_PARTITION_TAG = "dagster/asset_partition_range_end"


def partitions_definition(declaration: Partitions) -> TimeWindowPartitionsDefinition:
    """Return the definition with the keys and periods of floe's own calendar."""
    end_offset = 1 if declaration.builds == "current" else 0
    return _definition(declaration.by, declaration.start, declaration.timezone, end_offset)


@lru_cache(maxsize=64)
def _definition(
    by: PartitionBy, start: str, zone: str, end_offset: int
) -> TimeWindowPartitionsDefinition:
    if by == "hour":
        return HourlyPartitionsDefinition(f"{start}-00:00", timezone=zone, end_offset=end_offset)
    if by == "day":
        return DailyPartitionsDefinition(start, timezone=zone, end_offset=end_offset)
    if by == "week":
        return WeeklyPartitionsDefinition(start, timezone=zone, day_offset=1, end_offset=end_offset)
    return MonthlyPartitionsDefinition(start[:7], timezone=zone, fmt="%Y-%m", end_offset=end_offset)


def definition_of_node(
    artifacts: CompiledArtifacts, node_id: str
) -> TimeWindowPartitionsDefinition | None:
    """Return the partitions of a node's asset, None if it is built whole."""
    declaration = artifacts.partitions
    if declaration is None or node_id not in declaration.members:
        return None
    return partitions_definition(declaration)


def tags_of_run(
    artifacts: CompiledArtifacts,
    job: Job,
    tick: datetime | None,
    *,
    named: str = "",
    span: TimeRange | None = None,
) -> dict[str, str]:
    """Return the tags of the partitions that a run builds, {} if it builds none."""
    declaration = artifacts.partitions_of(job)
    if declaration is None:
        return {}
    try:
        found = partitions_of_run(declaration, named, tick, span)
    except UsageError:
        # The build reports it, where the run has a log.
        return {}
    return _tags_of(found)


def named_in(tags: Mapping[str, str]) -> str:
    """Return the partitions in a run's tags, `KEY` or `FIRST...LAST`; "" for none."""
    if key := tags.get(PARTITION_TAG):
        return key
    first, last = tags.get(FIRST_PARTITION_TAG, ""), tags.get(LAST_PARTITION_TAG, "")
    return f"{first}{RANGE}{last}" if first and first != last else first


def _tags_of(partitions: tuple[Partition, ...]) -> dict[str, str]:
    named = name_partitions(partitions)
    if not partitions or "," in named:
        # A range of Dagster's has no gaps: such a run logs what it builds.
        return {}
    first, last = partitions[0].key, partitions[-1].key
    if first == last:
        return {PARTITION_TAG: first}
    return {FIRST_PARTITION_TAG: first, LAST_PARTITION_TAG: last}


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
