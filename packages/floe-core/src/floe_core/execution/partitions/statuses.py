"""How a node ended for each of the partitions that were built together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from floe_core.partitions.calendar import Partition
from floe_core.runs.build_events import NodeResult, NodeStatus

# How dbt names a batch of a microbatch model, by the length of the name.
_FORMATS = {4: "%Y", 7: "%Y-%m", 10: "%Y-%m-%d", 13: "%Y-%m-%dT%H"}


def statuses_of(
    partitions: Sequence[Partition], result: NodeResult
) -> tuple[tuple[str, NodeStatus], ...]:
    """Return key -> status, as pairs; without failed batches, each has the status of the node.

    >>> from datetime import timedelta
    >>> days = [datetime(2026, 11, n, tzinfo=UTC) for n in (3, 4)]
    >>> both = [Partition(f"{day:%Y-%m-%d}", day, day + timedelta(days=1)) for day in days]
    >>> statuses_of(both, NodeResult("a", "error", failed_batches=("2026-11-04T05",)))
    (('2026-11-03', 'success'), ('2026-11-04', 'error'))
    """
    failed = batches_in(partitions, result.failed_batches)
    if result.passed or not failed:
        return tuple((each.key, result.status) for each in partitions)
    return tuple((each.key, "error" if each.key in failed else "success") for each in partitions)


def batches_in(partitions: Sequence[Partition], batches: Sequence[str]) -> dict[str, list[str]]:
    """Return key -> the batches that start in the partition, for partitions that have any."""
    found: dict[str, list[str]] = {}
    for batch in batches:
        moment = _start_of(batch)
        for each in partitions:
            if moment is not None and each.start <= moment < each.end:
                found.setdefault(each.key, []).append(batch)
    return found


def _start_of(batch: str) -> datetime | None:
    pattern = _FORMATS.get(len(batch))
    try:
        return datetime.strptime(batch, pattern).replace(tzinfo=UTC) if pattern else None
    except ValueError:
        return None
