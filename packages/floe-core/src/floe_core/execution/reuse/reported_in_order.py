"""Emit the results of reused nodes when dbt would come to them, or skip them as dbt would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from floe_core.execution.gates import first_gated_nodes, nodes_held_back_by
from floe_core.runs.build_events import NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class ReportedInOrder:
    """Holds back each reused node until the nodes and tests that it waits for have passed.

    `results` is node id -> the result of a reused node; `todo` are the ids of the nodes that are
    built.
    """

    def __init__(
        self,
        artifacts: CompiledArtifacts,
        todo: Iterable[str],
        results: Mapping[str, NodeResult],
    ) -> None:
        self._artifacts = artifacts
        built = set(todo) if results else set()
        below = nodes_held_back_by(artifacts, built)
        self._free = [each for node_id, each in results.items() if node_id not in below]
        self._held = {node_id: each for node_id, each in results.items() if node_id in below}
        self._edges = _edges(artifacts, built, below)
        # Node id -> how many others have to pass before; one more for the result of its own.
        self._waits_for = Counter(i for ends in self._edges.values() for i in ends)
        self._waits_for.update(built)

    def begin(self) -> Iterator[NodeResult]:
        """Yield the results that wait for nothing."""
        yield from self._free

    def receive(self, result: NodeResult) -> Iterator[NodeResult]:
        """Yield the results that the end of a built node decides."""
        if not result.passed:
            yield from self._skip(result.unique_id)
            return
        passed = [result.unique_id]
        while passed:
            node_id = passed.pop()
            self._waits_for[node_id] -= 1
            if self._waits_for[node_id] <= 0:
                if node_id in self._held:
                    yield self._held.pop(node_id)
                passed += self._edges.get(node_id, ())

    def finish(self) -> Iterator[NodeResult]:
        """Yield the results that are left when the build has succeeded."""
        yield from self._held.values()
        self._held = {}

    def _skip(self, failed: str) -> Iterator[NodeResult]:
        if failed not in self._artifacts.by_id:
            return
        for node_id in sorted(nodes_held_back_by(self._artifacts, [failed]) & self._held.keys()):
            del self._held[node_id]
            yield NodeResult(node_id, "skipped", message=f"skipped: {failed} did not pass")


def _edges(
    artifacts: CompiledArtifacts, built: set[str], below: set[str]
) -> dict[str, tuple[str, ...]]:
    """Return node id -> the nodes that wait for it directly, for nodes built or below those."""
    children = artifacts.graph.children
    found = {node_id: children.get(node_id, ()) for node_id in built | below}
    for node_id in built:
        if artifacts.by_id[node_id].is_test:
            found[node_id] = tuple(first_gated_nodes(artifacts, node_id))
    return found
