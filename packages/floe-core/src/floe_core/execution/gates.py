"""Find the nodes that a failure holds back, by the rule of `dbt build`.

A node waits for the tests of what it reads: for each test that depends only on nodes upstream of
it. See `add_test_edges_1` of `dbt.compilation`.
"""

from __future__ import annotations

from collections.abc import Iterable

from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def gates_of_steps(artifacts: CompiledArtifacts) -> dict[str, tuple[str, ...]]:
    """Return step id -> the ids of the tests that the step waits for."""
    if artifacts.tests_last:
        return {}
    tests = [node for node in artifacts.runnable if node.is_test and node.depends_on]
    found = {}
    for step in artifacts.steps:
        above = artifacts.graph.above([step.unique_id])
        gates = (test.unique_id for test in tests if above.issuperset(test.depends_on))
        found[step.unique_id] = tuple(gates)
    return found


def nodes_held_back_by(artifacts: CompiledArtifacts, failed: Iterable[str]) -> set[str]:
    """Return the ids of all nodes that don't run if these nodes have failed or been skipped."""
    failed = tuple(failed)
    tests = [node_id for node_id in failed if artifacts.by_id[node_id].is_test]
    gated = {i for node_id in tests for i in first_gated_nodes(artifacts, node_id)}
    return gated | artifacts.graph.below(gated.union(failed).difference(tests))


def first_gated_nodes(artifacts: CompiledArtifacts, test_id: str) -> set[str]:
    """Return nodes that wait for a test, all others being below them.

    A test without dependencies gates none, and tests that run last do not either.
    """
    if artifacts.tests_last:
        return set()
    graph, parents = artifacts.graph, artifacts.by_id[test_id].depends_on
    if len(parents) == 1:
        found = {*graph.children.get(parents[0], ())}
    else:
        below = [graph.below([parent]) for parent in parents]
        found = set.intersection(*below) if below else set()
    return {node_id for node_id in found if not artifacts.by_id[node_id].is_test}
