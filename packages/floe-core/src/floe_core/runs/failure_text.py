"""The summary of why a run failed, the same on every orchestrator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from floe_core.runs.build_events import NodeResult

CULPRITS = frozenset({"error", "fail"})


def failure_text(results: Iterable[NodeResult], problem: str = "") -> str:
    """Return what went wrong in a run: a headline, then a line for each node that failed.

    `problem` is the headline if the build has one; otherwise it counts the nodes that did not pass.
    Nodes skipped because of another node are counted but not listed.

    >>> failed, below = NodeResult("model.s.a", "error", message="no"), "model.s.b"
    >>> print(failure_text([failed, NodeResult(below, "skipped")]))
    2 of 2 nodes: 1 error, 1 skipped
    model.s.a: no
    """
    found = list(results)
    headline = problem or count_failed(found)
    lines = [f"{r.unique_id}: {r.message or r.status}" for r in found if r.status in CULPRITS]
    return "\n".join([headline, *lines])


def count_failed(results: Collection[NodeResult]) -> str:
    """Return how many nodes did not pass, by status.

    >>> count_failed([NodeResult("model.s.a", "error")])
    '1 of 1 node: 1 error'
    """
    statuses = Counter(result.status for result in results if not result.passed)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    nodes = "node" if len(results) == 1 else "nodes"
    return f"{statuses.total()} of {len(results)} {nodes}: {counts}"
