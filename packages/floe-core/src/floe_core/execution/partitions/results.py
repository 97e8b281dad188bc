"""Collect how nodes ended for each partition, into one result for each node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from floe_core.dbt.call import DbtEnded
from floe_core.execution.partitions.plan import PartitionPlan
from floe_core.execution.private_output import Events
from floe_core.runs.build_events import (
    PASSED,
    BuildEvent,
    NodeResult,
    NodeStarted,
    NodeStatus,
    PartitionResult,
)

_MOST_NAMED = 5
# The worst comes first.
_ORDER: tuple[NodeStatus, ...] = ("error", "fail", "skipped", "warn", "pass", "success", "reused")


class PartitionResults:
    """Turns results by segment into a `PartitionResult` for each partition, and one `NodeResult`.

    A node starts once, however many partitions are built of it.
    """

    def __init__(self, plan: PartitionPlan) -> None:
        self._keys = [partition.key for partition in plan.partitions]
        self._node_ids = plan.node_ids
        self._statuses = {i: dict(plan.kept.get(i, {})) for i in sorted(plan.node_ids)}
        self._results: dict[str, list[NodeResult]] = {}
        self._running: set[str] = set()
        self._ended: set[str] = set()

    def listen(self, events: Events) -> Events:
        """Yield the events of a build, those of partitioned nodes collected."""
        with closing(events):
            for event in events:
                if isinstance(event, DbtEnded):
                    yield from self._end(event)
                    yield event
                elif isinstance(event, NodeStarted) and event.unique_id in self._node_ids:
                    is_first = event.unique_id not in self._results
                    self._running.add(event.unique_id)
                    if is_first:
                        yield event
                elif isinstance(event, NodeResult) and event.unique_id in self._node_ids:
                    yield from self._take(event)
                else:
                    yield event

    def _take(self, result: NodeResult) -> Iterator[BuildEvent]:
        node_id = result.unique_id
        self._running.discard(node_id)
        if not result.partitions:
            self._ended.add(node_id)
            yield result
            return
        self._results.setdefault(node_id, []).append(result)
        self._statuses[node_id].update(result.partitions)
        yield from _by_partition(result)
        if all(key in self._statuses[node_id] for key in self._keys):
            self._ended.add(node_id)
            yield self._whole(node_id)

    def _end(self, end: DbtEnded) -> Iterator[BuildEvent]:
        """Yield the results of nodes that ended for some of their partitions only."""
        for node_id, results in self._results.items():
            if node_id in self._ended:
                continue
            missing = [key for key in self._keys if key not in self._statuses[node_id]]
            status: NodeStatus = "error" if node_id in self._running else "skipped"
            why = end.problem or "not reached"
            pairs: tuple[tuple[str, NodeStatus], ...] = (
                (missing[0], status),
                *((key, "skipped") for key in missing[1:]),
            )
            rest = NodeResult(node_id, status, message=why, partitions=pairs)
            results.append(rest)
            self._statuses[node_id].update(pairs)
            yield from _by_partition(rest)
            yield self._whole(node_id)

    def _whole(self, node_id: str) -> NodeResult:
        results = self._results[node_id]
        statuses = tuple((key, self._statuses[node_id][key]) for key in self._keys)
        found = {status for _, status in statuses}
        status = next(each for each in _ORDER if each in found)
        return replace(
            results[-1],
            status=status,
            seconds=round(sum(each.seconds for each in results), 3),
            message=_message(statuses, results),
            rows=_sum([each.rows for each in results]),
            failures=_sum([each.failures for each in results]),
            started_at=min((e.started_at for e in results if e.started_at), default=None),
            ended_at=max((e.ended_at for e in results if e.ended_at), default=None),
            built_batches=sum(each.built_batches for each in results),
            failed_batches=tuple(b for each in results for b in each.failed_batches),
            partitions=statuses,
        )


def _by_partition(result: NodeResult) -> Iterator[PartitionResult]:
    is_one = len(result.partitions) == 1
    for key, status in result.partitions:
        yield PartitionResult(
            result.unique_id,
            key,
            status,
            seconds=round(result.seconds / len(result.partitions), 3),
            message=result.message if is_one or status not in PASSED else "",
            rows=result.rows if is_one else None,
            started_at=result.started_at,
            ended_at=result.ended_at,
        )


def _message(statuses: tuple[tuple[str, NodeStatus], ...], results: list[NodeResult]) -> str:
    """Return the last message or, if some partitions did not pass, which and the first's reason."""
    found = {status for _, status in statuses}
    status = next(each for each in _ORDER if each in found)
    if status in PASSED:
        return results[-1].message
    keys = [key for key, each in statuses if each == status]
    named = ", ".join(keys[:_MOST_NAMED])
    more = f" and {len(keys) - _MOST_NAMED} more" if len(keys) > _MOST_NAMED else ""
    verb = "were skipped" if status == "skipped" else "failed"
    head = f"{len(keys)} of {len(statuses)} partitions {verb}: {named}{more}"
    # An earlier attempt has told the reason of what is kept.
    worst = min(results, key=lambda each: _ORDER.index(each.status))
    return head if worst.passed else f"{head}\n{worst.message}".strip()


def _sum(numbers: list[int | None]) -> int | None:
    known = [each for each in numbers if each is not None]
    return sum(known) if known else None
