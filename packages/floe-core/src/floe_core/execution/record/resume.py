"""Find what a run still has to do when an orchestrator retries it automatically."""

from __future__ import annotations

from collections.abc import Iterable

from floe_core.execution.record.run_record import RunRecord
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def remaining_nodes(
    artifacts: CompiledArtifacts, wanted: Iterable[str], record: RunRecord
) -> tuple[str, ...]:
    """Return the ids of the wanted nodes that another attempt runs, in the order given.

    Nodes that passed are done. A test that failed is a verdict: neither it nor the nodes that it
    holds back run again. Nor does a node that has used up its retries, or anything downstream of
    it. The rest runs, whether failed, skipped or never started.
    """
    results = record.results
    verdicts = {node_id for node_id, result in results.items() if result.status == "fail"}
    spent = {
        node_id
        for node_id, result in results.items()
        if result.status == "error"
        and _is_spent(artifacts, node_id, record.failures.get(node_id, 0))
    }
    judged = set() if artifacts.tests_last else _downstream_of_tested(artifacts, verdicts)
    held_back = judged | artifacts.graph.below(spent)
    passed = {node_id for node_id, result in results.items() if result.passed}
    left_out = verdicts | spent | held_back | passed
    return tuple(node_id for node_id in wanted if node_id not in left_out)


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
