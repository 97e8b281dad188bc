"""Find what a run still has to do when an orchestrator retries it automatically."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from floe_core.execution.record.run_record import RunRecord
from floe_core.runs.build_events import PASSED, NodeResult, NodeStatus
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# node id -> key of a partition -> its status, of what an attempt leaves as it is.
Held = Mapping[str, Mapping[str, NodeStatus]]


def remaining_nodes(
    artifacts: CompiledArtifacts, wanted: Iterable[str], record: RunRecord
) -> tuple[str, ...]:
    """Return the ids of the wanted nodes that another attempt runs, in the order given.

    Nodes that passed are done. A test that failed is a verdict: neither it nor the nodes that it
    holds back run again. Nor does a node that has used up its retries, or anything downstream of
    it. The rest runs, whether failed, skipped or never started. See `held_partitions` for nodes
    that run again for some of their partitions.
    """
    results = record.results
    verdicts = {node_id for node_id, result in results.items() if _has_verdict(result)}
    spent = {
        node_id
        for node_id, result in results.items()
        if result.status == "error"
        and _is_spent(artifacts, node_id, record.failures.get(node_id, 0))
    }
    judged = verdicts | _held_back(artifacts, verdicts)
    for_some = _with_partitions_left(artifacts, results) & judged
    passed = {node_id for node_id, result in results.items() if result.passed}
    left_out = (judged - for_some) | spent | artifacts.graph.below(spent) | passed
    return tuple(node_id for node_id in wanted if node_id not in left_out)


def held_partitions(artifacts: CompiledArtifacts, results: Mapping[str, NodeResult]) -> Held:
    """Return the partitions that a retry leaves as they are, because a test has failed for them."""
    partitioned = artifacts.partitions.members if artifacts.partitions else frozenset()
    found: dict[str, dict[str, NodeStatus]] = {}
    for test, result in results.items():
        failed = [key for key, status in result.partitions if status == "fail"]
        if not failed:
            continue
        for node_id in _held_back(artifacts, {test}) & partitioned:
            mine = found.setdefault(node_id, {})
            mine.update({key: mine.get(key, "skipped") for key in failed})
        found.setdefault(test, {}).update(dict.fromkeys(failed, "fail"))
    return found


def _has_verdict(result: NodeResult) -> bool:
    return result.status == "fail" or any(status == "fail" for _, status in result.partitions)


def _with_partitions_left(
    artifacts: CompiledArtifacts, results: Mapping[str, NodeResult]
) -> set[str]:
    """Return the nodes that no test holds back for all of the partitions that did not pass."""
    whole = {i for i, each in results.items() if each.status == "fail" and not each.partitions}
    held_back = _held_back(artifacts, whole)
    found = set()
    for node_id, held in held_partitions(artifacts, results).items():
        told = results[node_id].partitions if node_id in results else ()
        left = [key for key, status in told if status not in PASSED and key not in held]
        if node_id not in held_back and (left or not told):
            found.add(node_id)
    return found


def _held_back(artifacts: CompiledArtifacts, tests: set[str]) -> set[str]:
    return set() if artifacts.tests_last else _downstream_of_tested(artifacts, tests)


def _is_spent(artifacts: CompiledArtifacts, node_id: str, failures: int) -> bool:
    """Return whether a node has used up its retries.

    The orchestrator counts the retries of the product, unless it retries more often because some
    node allows more.
    """
    node = artifacts.by_id.get(node_id)
    if node is not None and node.retries is not None:
        return failures > node.retries
    return artifacts.retries > artifacts.execution.retries and (
        failures > artifacts.execution.retries
    )


def _downstream_of_tested(artifacts: CompiledArtifacts, tests: set[str]) -> set[str]:
    """Return everything downstream of these tests' parents, except the parents' other tests."""
    below = [
        child
        for test in tests
        if test in artifacts.by_id
        for tested in artifacts.by_id[test].depends_on
        for child in artifacts.graph.children.get(tested, ())
        if not artifacts.by_id[child].is_test
    ]
    return {*below, *artifacts.graph.below(below)}
