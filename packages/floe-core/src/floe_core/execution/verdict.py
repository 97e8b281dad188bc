"""Judge a build: every wanted node gets a result, and the run is as good as its worst node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from floe_core.build_events import BuildEnded, BuildEvent, NodeLog, NodeResult, NodeStarted
from floe_core.execution.dbt_run import DbtEnded


class Verdict:
    """Keeps the score of one build. `before` holds results of the attempts before it."""

    def __init__(self, wanted: tuple[str, ...], before: Mapping[str, NodeResult]) -> None:
        self._wanted = dict.fromkeys(wanted)
        self._results = {node_id: before[node_id] for node_id in wanted if node_id in before}
        self._begun: set[str] = set()

    def concerns(self, event: BuildEvent) -> bool:
        """Take note of an event, and tell whether it is about this build's nodes."""
        if isinstance(event, NodeStarted):
            self._begun.add(event.unique_id)
        elif isinstance(event, NodeResult):
            self._begun.discard(event.unique_id)
            self._results[event.unique_id] = event
        return isinstance(event, NodeLog) or (
            not isinstance(event, BuildEnded) and event.unique_id in self._wanted
        )

    def unfinished(self, reason: str) -> list[NodeResult]:
        """Return the results of what has none: `error` for what had begun, else `skipped`."""
        missing = [
            NodeResult(node_id, "error" if node_id in self._begun else "skipped", message=reason)
            for node_id in self._wanted
            if node_id in self._begun or node_id not in self._results
        ]
        self._results.update((result.unique_id, result) for result in missing)
        self._begun.clear()
        return missing

    def ended(self, end: DbtEnded) -> BuildEnded:
        """Return the verdict, once nothing is unfinished; a problem of dbt's own is a failure."""
        failed = [node_id for node_id in self._wanted if not self._results[node_id].passed]
        if end.problem:
            return BuildEnded(succeeded=False, message=end.problem)
        if not failed and not end.succeeded:
            return BuildEnded(succeeded=False, message="every node passed, but a dbt hook failed")
        if not failed:
            return BuildEnded(succeeded=True)
        statuses = Counter(self._results[node_id].status for node_id in failed)
        counts = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
        total = len(self._wanted)
        return BuildEnded(succeeded=False, message=f"{len(failed)} of {total} nodes: {counts}")
