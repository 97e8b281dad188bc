"""Run dbt builds and steps as one run, in sequence or with several steps at the same time."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from floe_core.dbt.call import DbtEnded, DbtRun
from floe_core.execution.gates import nodes_held_back_by
from floe_core.execution.partitions.plan import statuses_of
from floe_core.execution.segments import Segment
from floe_core.partitions.calendar import Partition
from floe_core.runs.build_events import BuildEvent, NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# A segment that has sent its end is over; this is for dbt threads that are still running.
PATIENCE_SECONDS = 20.0
Start = Callable[[Segment], DbtRun]
Events = queue.SimpleQueue[tuple[Segment, BuildEvent | DbtEnded]]


class SegmentedRun:
    """Starts each segment once those that it needs have ended, minus nodes held back by failures.

    `start` starts the run of a segment. A segment that could not do its work ends the run. Up to
    `step_threads` steps run at a time; dbt never runs beside another segment. What fails for some
    partitions holds back nodes of the same partitions, and nodes that are not partitioned; results
    of partitioned nodes have the statuses of their segment's partitions.
    """

    def __init__(
        self,
        artifacts: CompiledArtifacts,
        segments: Iterable[Segment],
        start: Start,
        step_threads: int = 1,
    ) -> None:
        self._artifacts = artifacts
        self._waiting = deque(segments)
        self._start = start
        self._step_threads = step_threads
        self._running: dict[Segment, DbtRun] = {}
        self._of_steps: Events = queue.SimpleQueue()
        self._failed: dict[tuple[Partition, ...], set[str]] = {}
        self._skipped: deque[NodeResult] = deque()
        self._succeeded = True
        self._is_canceled = False

    def next_event(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """See `DbtRun.next_event`."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            self._begin_what_can()
            if self._skipped:
                return self._skipped.popleft()
            if not self._running:
                return DbtEnded(succeeded=self._succeeded)
            segment, event = self._event(until)
            if not isinstance(event, DbtEnded):
                return self._note(segment, event)
            self._end(segment, event)
            if event.problem:
                return DbtEnded(event.problem, succeeded=False)

    def cancel(self) -> None:
        """See `DbtRun.cancel`."""
        self._is_canceled = True
        for run in self._running.values():
            run.cancel()

    def cancel_node(self, unique_id: str) -> None:
        """See `DbtRun.cancel_node`."""
        for segment, run in self._running.items():
            if unique_id in segment.node_ids:
                run.cancel_node(unique_id)

    def close(self, patience: float) -> bool:
        """See `DbtRun.close`."""
        until = time.monotonic() + patience
        closed = [r.close(max(0.0, until - time.monotonic())) for r in self._running.values()]
        return all(closed)

    def _begin_what_can(self) -> None:
        """Start segments until none can start, or until one leaves out nodes, to report first."""
        while not (self._skipped or self._is_canceled):
            segment = self._next_segment()
            if segment is None:
                return
            self._begin(segment)

    def _next_segment(self) -> Segment | None:
        """Take the first segment that needs no running or earlier waiting one, if there is any.

        While others run, only steps are taken.
        """
        if not self._running:
            return self._waiting.popleft() if self._waiting else None
        has_room = len(self._running) < self._step_threads
        if not has_room or any(running.kind != "step" for running in self._running):
            return None
        before = {node_id for running in self._running for node_id in running.node_ids}
        partitions = next(iter(self._running)).partitions
        for segment in self._waiting:
            if segment.kind != "step" or segment.partitions != partitions:
                return None
            if before.isdisjoint(self._artifacts.graph.above(segment.node_ids)):
                self._waiting.remove(segment)
                return segment
            before.update(segment.node_ids)
        return None

    def _begin(self, segment: Segment) -> None:
        failed = self._failed_before(segment)
        held_by = {i: nodes_held_back_by(self._artifacts, [i]) for i in sorted(failed)}
        left = []
        for node_id in segment.node_ids:
            causes = [failed for failed, held in held_by.items() if node_id in held]
            if causes:
                why = f"skipped: {', '.join(causes)} did not pass"
                result = NodeResult(node_id, "skipped", message=why)
                self._skipped.append(_with_partitions(segment, result))
            else:
                left.append(node_id)
        if left:
            begun = replace(segment, node_ids=tuple(left))
            run = self._running[begun] = self._start(begun)
            if segment.kind == "step":
                _pass_on(begun, run, self._of_steps)

    def _failed_before(self, segment: Segment) -> set[str]:
        """Return the failed nodes that may hold back nodes of a segment."""
        return {
            node_id
            for partitions, failed in self._failed.items()
            if not segment.partitions or partitions in ((), segment.partitions)
            for node_id in failed
        }

    def _event(self, until: float | None) -> tuple[Segment, BuildEvent | DbtEnded | None]:
        """Return the next event of the running segments, None if none came in time."""
        left = None if until is None else max(0.0, until - time.monotonic())
        segment, run = next(iter(self._running.items()))
        if segment.kind != "step":
            return segment, run.next_event(left)
        try:
            return self._of_steps.get(timeout=left)
        except queue.Empty:
            return segment, None

    def _note(self, segment: Segment, event: BuildEvent | None) -> BuildEvent | None:
        if not isinstance(event, NodeResult):
            return event
        if not event.passed and event.unique_id in self._artifacts.by_id:
            self._failed.setdefault(segment.partitions, set()).add(event.unique_id)
        return _with_partitions(segment, event)

    def _end(self, segment: Segment, event: DbtEnded) -> None:
        self._running.pop(segment).close(PATIENCE_SECONDS)
        self._succeeded = self._succeeded and event.succeeded


def _with_partitions(segment: Segment, result: NodeResult) -> NodeResult:
    if not segment.partitions or result.unique_id not in segment.node_ids:
        return result
    return replace(result, partitions=statuses_of(segment.partitions, result))


def _pass_on(segment: Segment, run: DbtRun, events: Events) -> None:
    """Put a step's events into the queue that all steps share; runs in a thread."""

    def listen() -> None:
        while True:
            event = run.next_event(None)
            if event is not None:
                events.put((segment, event))
            if isinstance(event, DbtEnded):
                return

    threading.Thread(target=listen, name="floe-step-events", daemon=True).start()
