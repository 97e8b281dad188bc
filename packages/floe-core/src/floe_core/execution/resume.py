"""What a further attempt of a run still has to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from floe_core.build_events import BuildEvent, NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def remaining(
    artifacts: CompiledArtifacts,
    wanted: Iterable[str],
    results: Mapping[str, NodeResult],
    failures: Mapping[str, int],
) -> tuple[str, ...]:
    """Return the ids of the wanted nodes that another attempt runs, in the order given.

    What passed is done. A test that failed is a verdict: neither it nor what it holds back runs
    again. Nor does a node that failed more often than it may be retried, with what is below it;
    `failures` maps node id to how often. The rest, failed, skipped or never begun, runs.
    """
    verdicts = {node_id for node_id, result in results.items() if result.status == "fail"}
    spent = {
        node_id
        for node_id, result in results.items()
        if result.status == "error" and _is_spent(artifacts, node_id, failures.get(node_id, 0))
    }
    held_back = _downstream_of_tested(artifacts, verdicts) | _downstream(artifacts, spent)
    return tuple(
        node_id
        for node_id in wanted
        if node_id not in verdicts
        and node_id not in spent
        and node_id not in held_back
        and not (node_id in results and results[node_id].passed)
    )


def failures_in(events: Iterable[BuildEvent]) -> Counter[str]:
    """Return node id -> how often it ended in an error."""
    return Counter(
        event.unique_id
        for event in events
        if isinstance(event, NodeResult) and event.status == "error"
    )


def _is_spent(artifacts: CompiledArtifacts, node_id: str, failures: int) -> bool:
    """Return whether a node may not be retried any more.

    How often the product is retried is for the orchestrator to count, unless it retries it more
    often for the sake of some node.
    """
    node = artifacts.by_id.get(node_id)
    if node is not None and node.retries is not None:
        return failures > node.retries
    return artifacts.retries > artifacts.execution.retries and (
        failures > artifacts.execution.retries
    )


def _downstream_of_tested(artifacts: CompiledArtifacts, tests: set[str]) -> set[str]:
    """Return everything below the nodes that these tests depend on, other tests of theirs apart."""
    if not tests:
        return set()
    children = _children(artifacts)
    below = [
        child
        for test in tests
        if test in artifacts.by_id
        for tested in artifacts.by_id[test].depends_on
        for child in children.get(tested, ())
        if not artifacts.by_id[child].is_test
    ]
    return set(below) | _downstream(artifacts, below)


def _downstream(artifacts: CompiledArtifacts, node_ids: Collection[str]) -> set[str]:
    """Return everything below these nodes."""
    if not node_ids:
        return set()
    children = _children(artifacts)
    found: set[str] = set()
    frontier = [child for node_id in node_ids for child in children.get(node_id, ())]
    while frontier:
        node_id = frontier.pop()
        if node_id not in found:
            found.add(node_id)
            frontier.extend(children.get(node_id, ()))
    return found


def _children(artifacts: CompiledArtifacts) -> dict[str, list[str]]:
    children: dict[str, list[str]] = {}
    for node in artifacts.runnable:
        for parent in node.depends_on:
            children.setdefault(parent, []).append(node.unique_id)
    return children
