"""What a further attempt of a run still has to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from floe_core.build_events import NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def remaining(
    artifacts: CompiledArtifacts, wanted: Iterable[str], results: Mapping[str, NodeResult]
) -> tuple[str, ...]:
    """Return the ids of the wanted nodes that another attempt runs, in the order given.

    What passed is done. A test that failed is a verdict: neither it nor what it holds back runs
    again. The rest, failed, skipped or never begun, runs.
    """
    verdicts = {node_id for node_id, result in results.items() if result.status == "fail"}
    held_back = _downstream_of_tested(artifacts, verdicts)
    return tuple(
        node_id
        for node_id in wanted
        if node_id not in verdicts
        and node_id not in held_back
        and not (node_id in results and results[node_id].passed)
    )


def _downstream_of_tested(artifacts: CompiledArtifacts, tests: set[str]) -> set[str]:
    """Return everything below the nodes that these tests depend on, other tests of theirs apart."""
    children = _children(artifacts)
    found: set[str] = set()
    frontier = [
        child
        for test in tests
        if test in artifacts.by_id
        for tested in artifacts.by_id[test].depends_on
        for child in children.get(tested, ())
        if not artifacts.by_id[child].is_test
    ]
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
