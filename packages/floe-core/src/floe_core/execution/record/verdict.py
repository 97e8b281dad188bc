"""Judge a build: every wanted node gets a result, one failed node fails it, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from floe_core.dbt.call import DbtEnded
from floe_core.execution.node_selection import wanted_nodes
from floe_core.execution.record.attempt import may_retry
from floe_core.execution.record.journal import RunRecord, record_of
from floe_core.runs.build_events import (
    BuildEnded,
    BuildEvent,
    NodeLog,
    NodeResult,
    NodeStarted,
    count_failed,
    failure_text,
)
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


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


@dataclass(frozen=True, slots=True)
class BuildFailure:
    """The failure of a build; see `failure_text` for `text`, the same on every orchestrator.

    With `may_retry`, another attempt would have something to do.
    """

    text: str
    may_retry: bool


def failure_of(
    artifacts: CompiledArtifacts, wanted: Iterable[str], record: RunRecord, problem: str
) -> BuildFailure:
    """Return the failure of a run with this record; `problem` is the message of its end."""
    wanted = tuple(wanted)
    found = [record.results[node_id] for node_id in wanted if node_id in record.results]
    return BuildFailure(failure_text(found, problem), may_retry(artifacts, wanted, record))


def failure_of_build(
    artifacts: CompiledArtifacts, request: BuildRequest, end: BuildEnded
) -> BuildFailure:
    """Return the failure of a build on this machine, from the record of its run."""
    artifacts = artifacts.for_job(request.job)
    record = record_of(artifacts, request.run_id)
    return failure_of(artifacts, wanted_nodes(artifacts, request), record, end.message)
