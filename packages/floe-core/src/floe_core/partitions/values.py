"""The values that dbt vars get from partitions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from floe_core.partitions.calendar import Partition
from floe_core.partitions.chosen import range_of
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
