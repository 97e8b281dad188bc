"""Decide which nodes a build builds for which partitions, and cut it into dbt builds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain

from floe_core.dbt.invocation import is_full_refresh
from floe_core.execution.record.attempt import Attempt, Held
from floe_core.execution.record.journal import RunRecord
from floe_core.execution.segments import Segment
from floe_core.foundation.errors import UsageError
from floe_core.partitions.calendar import Partition
from floe_core.partitions.chosen import partition_vars, partitions_of_run, period_of, why_none
from floe_core.runs.build_events import PASSED, NodeResult, NodeStatus
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.partitions import Partitions

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


Cut = Callable[[CompiledArtifacts, Collection[str]], tuple[Segment, ...]]
Statuses = Mapping[str, NodeStatus]
NO_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class PartitionPlan:
    """The partitions of a build, and the nodes that it builds for each.

    `node_ids` are the partitioned nodes to build, `after` the others to build below them. `kept` is
    node id -> key -> status of what earlier attempts of the run have decided of the former.
    `unfinished` are the results of earlier attempts by node.
    """

    artifacts: CompiledArtifacts
    declaration: Partitions
    partitions: tuple[Partition, ...]
    node_ids: frozenset[str]
    after: frozenset[str]
    kept: Mapping[str, Statuses]
    unfinished: Mapping[str, NodeResult]

    def segments(self, node_ids: Collection[str], cut: Cut) -> tuple[Segment, ...]:
        """Return the segments of a build of these nodes: the partitioned ones in the middle."""
        later = self.node_ids | self.after
        before = [i for i in node_ids if i not in later]
        after = [i for i in node_ids if i in self.after]
        return (
            *(cut(self.artifacts, before) if before else ()),
            *(
                replace(segment, partitions=partitions)
                for partitions, ids in self._chunks()
                for segment in cut(self.artifacts, ids)
            ),
            *(cut(self.artifacts, after) if after else ()),
        )

    def request_for(self, request: BuildRequest, partitions: tuple[Partition, ...]) -> BuildRequest:
        """Return the request of the part of a build that is for these partitions."""
        return replace(
            request,
            range=period_of(partitions),
            partition_vars=partition_vars(self.declaration, partitions),
            unfinished=tuple(self._failed_batches(partitions)),
        )

    def results_if_none_is_due(self) -> tuple[NodeResult, ...]:
        """Return the results of the nodes that a build without partitions leaves out."""
        if self.partitions:
            return ()
        why = why_none(self.declaration)
        left_out = sorted(self.node_ids | self.after)
        return tuple(NodeResult(i, "skipped", message=why, is_disabled=True) for i in left_out)

    def without_partitions_to_come(self, node_ids: Iterable[str]) -> tuple[str, ...]:
        """Return these nodes without those that are left out if no partition is due."""
        left_out = {each.unique_id for each in self.results_if_none_is_due()}
        return tuple(node_id for node_id in node_ids if node_id not in left_out)

    def _chunks(self) -> Iterator[tuple[tuple[Partition, ...], tuple[str, ...]]]:
        """Yield the partitions that are built together, and the nodes to build for them."""
        chunk: list[Partition] = []
        ids: tuple[str, ...] = ()
        for partition in self.partitions:
            todo = self._todo(partition)
            follows = bool(chunk) and chunk[-1].end == partition.start
            if chunk and (todo != ids or not follows or len(chunk) >= self._most):
                yield tuple(chunk), ids
                chunk = []
            ids = todo
            if todo:
                chunk.append(partition)
        if chunk:
            yield tuple(chunk), ids

    def _todo(self, partition: Partition) -> tuple[str, ...]:
        return tuple(i for i in sorted(self.node_ids) if partition.key not in self.kept.get(i, {}))

    @property
    def _most(self) -> int:
        """How many partitions one dbt build is for; dbt itself cuts microbatches by time."""
        by = self.artifacts.execution.backfill_by
        if by == "range":
            return NO_LIMIT
        if by != "tick":
            return by
        by_id, batched = self.artifacts.by_id, frozenset(self.declaration.microbatch)
        return NO_LIMIT if all(i in batched or by_id[i].is_test for i in self.node_ids) else 1

    def _failed_batches(self, partitions: tuple[Partition, ...]) -> Iterator[NodeResult]:
        """Yield the results of models of which only some batches of these partitions are left."""
        for result in self.unfinished.values():
            batches = batches_in(partitions, result.failed_batches)
            if result.built_batches and len(batches) == len(partitions):
                left = tuple(chain.from_iterable(batches.values()))
                yield replace(result, failed_batches=left)


def plan_partitions(
    artifacts: CompiledArtifacts, request: BuildRequest, attempt: Attempt, before: RunRecord
) -> PartitionPlan | None:
    """Return what a build does by partition, None if it builds no partitioned node.

    Raises:
        UsageError: It names partitions that do not exist or are not over, or that a product without
            partitions does not have; or it is a full refresh.
    """
    declaration = artifacts.partitions
    named = request.parameters.partitions
    if declaration is None:
        if named:
            raise UsageError(f"{artifacts.product.name} has no partitions, such as {named}")
        return None
    node_ids = frozenset(attempt.todo) & frozenset(declaration.node_ids)
    if not node_ids:
        return None
    if is_full_refresh(artifacts, request):
        raise UsageError(
            "a full refresh of partitioned nodes would keep the partitions of this run alone; drop "
            "their tables, and build all partitions"
        )
    unfinished = {each.unique_id: each for each in (*attempt.unfinished, *request.unfinished)}
    tick = request.nominal_time or _first_start(request, attempt, before)
    below = artifacts.graph.below(declaration.node_ids)
    after = (frozenset(attempt.todo) & below) - frozenset(declaration.node_ids)
    kept = {i: _kept(i, unfinished, before, request.held) for i in node_ids}
    partitions = partitions_of_run(declaration, named, tick, request.range)
    return PartitionPlan(artifacts, declaration, partitions, node_ids, after, kept, unfinished)


def _kept(
    node_id: str, unfinished: Mapping[str, NodeResult], before: RunRecord, held: Held
) -> Statuses:
    """Return the partitions that a node passed in earlier attempts, and those that are held back.

    None are kept of a node that passed as a whole: then it is to be built again.
    """
    last = before.results.get(node_id)
    if last is not None and last.passed and node_id not in unfinished:
        return {}
    told = unfinished[node_id].partitions if node_id in unfinished else ()
    recorded = ((key, each.status) for key, each in before.partitions.get(node_id, {}).items())
    passed = {key: status for key, status in chain(told, recorded) if status in PASSED}
    return {**held.get(node_id, {}), **passed}


def _first_start(request: BuildRequest, attempt: Attempt, before: RunRecord) -> datetime | None:
    """Return when the first attempt of a run without a tick started, which its retries are for."""
    results: Iterable[NodeResult] = (*attempt.settled, *attempt.unfinished, *request.unfinished)
    by_partition = (e.started_at for each in before.partitions.values() for e in each.values())
    started = chain((each.started_at for each in results), by_partition)
    return min(filter(None, started), default=None)
