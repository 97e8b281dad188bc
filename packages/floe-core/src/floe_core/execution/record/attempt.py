"""Decide what an attempt of a run builds, given the results of earlier attempts.

The rule is the same on every orchestrator. Only the orchestrator knows who requested an attempt,
so there is a function for each case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from floe_core.execution.record.journal import RunRecord
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


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: `todo` are the ids of the nodes to build, `settled` the results to keep.

    Both are parts of the wanted nodes; `todo` is in their order. `unfinished` are the results of
    nodes in it that did not pass. `is_repeat`: everything had passed, and is built again anyway.
    `held` are partitions of nodes in `todo` that it does not build.
    """

    todo: tuple[str, ...]
    settled: tuple[NodeResult, ...] = ()
    unfinished: tuple[NodeResult, ...] = ()
    is_repeat: bool = False
    held: Held = field(default_factory=dict)


def automatic_attempt(
    artifacts: CompiledArtifacts, wanted: Iterable[str], before: RunRecord
) -> Attempt:
    """Return the attempt that an orchestrator makes automatically; the first one builds all.

    See `remaining_nodes` for what it leaves out. It must not be made if there is nothing to do; see
    `may_retry`.
    """
    wanted = tuple(wanted)
    attempt = _attempt(remaining_nodes(artifacts, wanted, before), wanted, before)
    return replace(attempt, held=held_partitions(artifacts, before.results))


def attempt_by_hand(wanted: Iterable[str], before: RunRecord) -> Attempt:
    """Return the attempt that a person requests.

    It builds what has not passed, including failed tests, since their cause may have been fixed. If
    everything passed, it builds everything: the person must want that.
    """
    wanted = tuple(wanted)
    failed = _nodes_not_passed(wanted, before)
    attempt = _attempt(failed or wanted, wanted, before)
    return attempt if failed else replace(attempt, is_repeat=bool(wanted))


def attempt_of_caller(wanted: Iterable[str], before: RunRecord) -> Attempt:
    """Return the attempt of a run that is part of another run, which is being retried.

    It builds what has not passed, including failed tests, and nothing if everything passed: then
    the retry is meant for another part.
    """
    wanted = tuple(wanted)
    return _attempt(_nodes_not_passed(wanted, before), wanted, before)


def may_retry(artifacts: CompiledArtifacts, wanted: Iterable[str], record: RunRecord) -> bool:
    """Return whether an orchestrator may retry automatically: only if something is left to do."""
    return bool(remaining_nodes(artifacts, wanted, record))


def first_attempt_number(artifacts: CompiledArtifacts, runs_before: int) -> int:
    """Return the number of a run's first attempt, above those of the runs that it continues.

    Lineage identifies an attempt by its number: no two attempts of one tick may share it.
    """
    return runs_before * (artifacts.retries + 1) + 1


def _nodes_not_passed(wanted: tuple[str, ...], before: RunRecord) -> tuple[str, ...]:
    results = before.results
    return tuple(i for i in wanted if i not in results or not results[i].passed)


def _attempt(todo: tuple[str, ...], wanted: tuple[str, ...], before: RunRecord) -> Attempt:
    results = before.results
    left = results.keys() - set(todo)
    unfinished = (results[i] for i in todo if i in results and not results[i].passed)
    return Attempt(todo, tuple(results[i] for i in wanted if i in left), tuple(unfinished))
