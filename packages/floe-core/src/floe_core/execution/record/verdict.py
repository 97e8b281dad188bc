"""Judge a build: every wanted node gets a result, and one failed node fails the build."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from floe_core.dbt.run import DbtEnded
from floe_core.runs.build_events import (
    BuildEnded,
    BuildEvent,
    NodeLog,
    NodeResult,
    NodeStarted,
    count_failed,
)


class Verdict:
    """Tracks the results of one build's wanted nodes, and those kept from earlier attempts."""

    def __init__(
        self,
        wanted: Iterable[str],
        settled: Iterable[NodeResult] = (),
        unfinished: Iterable[NodeResult] = (),
    ) -> None:
        self._results = {result.unique_id: result for result in settled}
        self._unfinished = {result.unique_id: result for result in unfinished}
        self._wanted = dict.fromkeys((*wanted, *self._results))
        self._begun: set[str] = set()
        self._errors_beside: list[str] = []

    def take(self, event: BuildEvent) -> BuildEvent | None:
        """Record an event and return it as this build reports it, None if it is not reported.

        Hooks and ephemeral models are not nodes of a product: dbt's log messages about them belong
        to the run, with an empty id, and an error among them is kept for the verdict.
        """
        if isinstance(event, BuildEnded):
            return None
        is_ours = event.unique_id in self._wanted
        if isinstance(event, NodeLog):
            return event if is_ours else self._take_log_of_run(event)
        if isinstance(event, NodeStarted):
            self._begun.add(event.unique_id)
        elif isinstance(event, NodeResult):
            event = self._add_batches(event)
            self._begun.discard(event.unique_id)
            self._results[event.unique_id] = event
        return event if is_ours else None

    def _add_batches(self, result: NodeResult) -> NodeResult:
        """Return a result with the batches that were built before, if the others were retried."""
        before = self._unfinished.get(result.unique_id)
        if before is None or not {*result.failed_batches} <= {*before.failed_batches}:
            return result
        return replace(result, built_batches=result.built_batches + before.built_batches)

    def _take_log_of_run(self, event: NodeLog) -> NodeLog:
        if event.level == "error" and event.unique_id:
            self._errors_beside.append(event.text.strip())
        return replace(event, unique_id="")

    def close_unfinished(self, reason: str) -> list[NodeResult]:
        """Return results for the nodes without one: `error` if it had started, else `skipped`."""
        missing = [
            NodeResult(node_id, "error" if node_id in self._begun else "skipped", message=reason)
            for node_id in self._wanted
            if node_id in self._begun or node_id not in self._results
        ]
        self._results.update((result.unique_id, result) for result in missing)
        self._begun.clear()
        return missing

    def conclude(self, end: DbtEnded) -> BuildEnded:
        """Return the verdict, once every node has a result; a problem of dbt's own is a failure."""
        results = [self._results[node_id] for node_id in self._wanted]
        has_failed = not all(result.passed for result in results)
        if end.problem:
            return BuildEnded(succeeded=False, message=end.problem)
        if not has_failed and end.succeeded:
            return BuildEnded(succeeded=True)
        beside = "\n".join(self._errors_beside)
        what = count_failed(results) if has_failed else "every node passed, but dbt failed"
        return BuildEnded(succeeded=False, message=f"{what}\n{beside}".rstrip())
