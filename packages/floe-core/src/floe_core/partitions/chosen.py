"""Find the partitions that a run builds, and the values that dbt vars get from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from floe_core.foundation.errors import UsageError
from floe_core.partitions.calendar import (
    Partition,
    first_partition,
    partition_of_key,
    partitions_between,
    partitions_of_tick,
)
from floe_core.runs.run_parameters import TimeRange
from floe_core.schemas.partitions import Partitions

# As dbt writes the times of a microbatch: in UTC, without a zone.
_TIME = "%Y-%m-%d %H:%M:%S"


def period_of(partitions: Sequence[Partition]) -> TimeRange:
    """Return the time that partitions, which follow each other, cover."""
    return TimeRange(partitions[0].start, partitions[-1].end)


def partition_vars(declaration: Partitions, partitions: Sequence[Partition]) -> dict[str, str]:
    """Return name -> value of the declared vars for partitions that follow each other."""
    period, zone = period_of(partitions), ZoneInfo(declaration.timezone)
    values = {
        "start": period.start.strftime(_TIME),
        "end": period.end.strftime(_TIME),
        "start_date": _day(period.start, zone),
        "end_date": _day(period.end, zone),
        "key": range_of(partitions),
    }
    return {name: values[kind] for name, kind in declaration.vars.items()}


def _day(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).date().isoformat()


# As in Dagster's tags of a range: `dagster/asset_partition_range_start` and `..._end`.
RANGE = "..."


def partitions_of_run(
    declaration: Partitions,
    named: str = "",
    tick: datetime | None = None,
    span: TimeRange | None = None,
    now: datetime | None = None,
) -> tuple[Partition, ...]:
    """Return the partitions that a run builds, the oldest first.

    `named` is `KEY`, or `FIRST...LAST`, both included, or several of these with commas; without it,
    they are those that start in `span`, else those of `tick`, else those of `now`. There are none
    before the first one is due.

    Raises:
        UsageError: A named partition does not exist or is not over, or the range is backward.
    """
    now = now or datetime.now(UTC)
    if named:
        return partitions_named(declaration, named, now)
    if span is not None:
        return partitions_between(declaration, span.start, span.end)
    return partitions_of_tick(declaration, tick or now)


def partitions_named(declaration: Partitions, named: str, now: datetime) -> tuple[Partition, ...]:
    """Return the partitions of `KEY`, `FIRST...LAST` or several of these, the oldest first.

    They must have begun and, with `builds: previous`, be over.

    Raises:
        UsageError: One does not exist or is not over, or the range is backward.
    """
    found = {
        partition.key: partition
        for part in named.split(",")
        for partition in _range(declaration, part.strip(), now)
    }
    return tuple(sorted(found.values(), key=lambda partition: partition.start))


def _range(declaration: Partitions, named: str, now: datetime) -> tuple[Partition, ...]:
    first_key, is_range, last_key = named.partition(RANGE)
    first = _partition(declaration, first_key.strip(), now)
    if not is_range:
        return (first,)
    last = _partition(declaration, last_key.strip(), now)
    if last.start < first.start:
        raise UsageError(
            f"partitions {named}: the range is backward; write {last.key}{RANGE}{first.key}"
        )
    return partitions_between(declaration, first.start, last.end)


def range_of(partitions: Sequence[Partition]) -> str:
    """Return what names these partitions, which follow each other: `KEY` or `FIRST...LAST`."""
    first, last = partitions[0].key, partitions[-1].key
    return first if first == last else f"{first}{RANGE}{last}"


def name_partitions(partitions: Iterable[Partition]) -> str:
    """Return what names these partitions, given in order: ranges and keys, with commas."""
    ranges: list[list[Partition]] = []
    for partition in partitions:
        if ranges and ranges[-1][-1].end == partition.start:
            ranges[-1].append(partition)
        else:
            ranges.append([partition])
    return ",".join(map(range_of, ranges))


def why_none(declaration: Partitions) -> str:
    """Return why a run has no partitions to build."""
    first = first_partition(declaration)
    due = first.end if declaration.builds == "previous" else first.start
    return f"no partition is due yet: the first, {first.key}, is due at {due.isoformat()}"


def _partition(declaration: Partitions, key: str, now: datetime) -> Partition:
    try:
        found = partition_of_key(declaration, key)
    except ValueError as error:
        raise UsageError(f"partition {error}") from None
    is_previous = declaration.builds == "previous"
    if (found.end if is_previous else found.start) > now:
        state = "is not over yet" if found.start <= now else "is in the future"
        raise UsageError(f"partition {key} {state}: it ends at {found.end.isoformat()}")
    return found
