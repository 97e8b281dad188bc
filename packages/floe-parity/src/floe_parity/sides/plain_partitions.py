"""Plain dbt for a product with partitions: a call for each, between what is built before and after.

Which nodes a failure holds back between calls is worked out here, as dbt does within one: it is
what a run under floe is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from floe_core.partitions.calendar import Partition
from floe_core.runs.build_events import NodeResult, NodeStatus
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

Results = Mapping[str, NodeResult]
# Builds nodes, for a partition or for none; returns the exit code and the results.
BuildNodes = Callable[[frozenset[str], Partition | None], tuple[int, Results]]

# The worst comes first.
_ORDER: tuple[NodeStatus, ...] = ("error", "fail", "skipped", "warn", "pass", "success")
_HOLDS_BACK = ("error", "fail", "skipped")


def build_by_partition(
    artifacts: CompiledArtifacts,
    node_ids: Iterable[str],
    partitions: tuple[Partition, ...],
    build: BuildNodes,
) -> tuple[int, dict[str, NodeResult]]:
    """Build nodes: those before the partitions, each partition in order, those after them.

    A partition that fails stops no other. The result of a node that is built for several is the
    worst, with the status of each.
    """
    wanted, by_day = frozenset(node_ids), frozenset(_partitioned(artifacts))
    after = wanted & (artifacts.graph.below(by_day) - by_day)
    code, before = build(wanted - by_day - after, None)
    held = _held_back(artifacts, before.values())
    of_partitions = []
    for partition in partitions:
        found_code, found = build((wanted & by_day) - held, partition)
        code = max(code, found_code)
        skipped = {i: NodeResult(i, "skipped") for i in wanted & by_day}
        of_partitions.append({**skipped, **{i: r for i, r in found.items() if i in wanted}})
    daily = {
        i: _merged(partitions, [found[i] for found in of_partitions])
        for i in (wanted & by_day if partitions else ())
    }
    held |= _held_back(artifacts, daily.values())
    last_code, last = build(after - held, None)
    return max(code, last_code), {**before, **daily, **last}


def _partitioned(artifacts: CompiledArtifacts) -> tuple[str, ...]:
    return artifacts.partitions.node_ids if artifacts.partitions else ()


def _merged(partitions: tuple[Partition, ...], results: list[NodeResult]) -> NodeResult:
    worst = min(results, key=lambda each: _ORDER.index(each.status))
    failures = [each.failures for each in results if each.failures is not None]
    pairs = zip((each.key for each in partitions), (each.status for each in results), strict=True)
    return replace(
        worst,
        seconds=round(sum(each.seconds for each in results), 3),
        failures=sum(failures) if failures else None,
        partitions=tuple(pairs),
    )


def _held_back(artifacts: CompiledArtifacts, results: Iterable[NodeResult]) -> frozenset[str]:
    """Return what these results keep dbt from building.

    A test holds back what depends on all of the nodes that it reads.
    """
    held: set[str] = set()
    for result in results:
        node = artifacts.by_id.get(result.unique_id)
        if node is None or result.status not in _HOLDS_BACK:
            continue
        if not node.is_test:
            held |= artifacts.graph.below([node.unique_id])
        elif result.status != "skipped":
            below = [artifacts.graph.below([parent]) for parent in node.depends_on]
            held |= set.intersection(*below) if below else set()
    return frozenset(held)
