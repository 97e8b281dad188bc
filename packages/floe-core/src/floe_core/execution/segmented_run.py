"""Run builds of dbt and steps one after another, as one run."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable

from floe_core.build_events import BuildEvent, NodeResult
from floe_core.execution.dbt_run import DbtEnded, DbtRun
from floe_core.execution.gates import held_back_by
from floe_core.execution.segments import Segment
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# By its end a segment is over; this is for threads of dbt that are not.
PATIENCE_SECONDS = 20.0
Start = Callable[[Segment], DbtRun]


class SegmentedRun:
    """Starts each segment when the one before has ended, without what a failure holds back.

    `start` begins the run of a segment. One that could not do its work ends the run.
    """

    def __init__(
        self, artifacts: CompiledArtifacts, segments: Iterable[Segment], start: Start
    ) -> None:
        self._artifacts = artifacts
        self._waiting = deque(segments)
        self._start = start
        self._current: DbtRun | None = None
        self._failed: set[str] = set()
        self._skipped: deque[NodeResult] = deque()
        self._succeeded = True
        self._is_canceled = False

    def next_event(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """See `DbtRun.next_event`."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            if self._skipped:
                return self._skipped.popleft()
            if self._current is None:
                if not self._waiting or self._is_canceled:
                    return DbtEnded(succeeded=self._succeeded)
                self._begin(self._waiting.popleft())
                continue
            left = None if until is None else max(0.0, until - time.monotonic())
            event = self._current.next_event(left)
            if not isinstance(event, DbtEnded):
                return self._noted(event)
            self._end(event)
            if event.problem:
                return DbtEnded(event.problem, succeeded=False)

    def cancel(self) -> None:
        """See `DbtRun.cancel`."""
        self._is_canceled = True
        if self._current is not None:
            self._current.cancel()

    def cancel_node(self, unique_id: str) -> None:
        """See `DbtRun.cancel_node`."""
        if self._current is not None:
            self._current.cancel_node(unique_id)

    def close(self, patience: float) -> bool:
        """See `DbtRun.close`."""
        return self._current is None or self._current.close(patience)

    def _begin(self, segment: Segment) -> None:
        held_by = {i: held_back_by(self._artifacts, [i]) for i in sorted(self._failed)}
        left = []
        for node_id in segment.node_ids:
            causes = [failed for failed, held in held_by.items() if node_id in held]
            if causes:
                why = f"skipped: {', '.join(causes)} did not pass"
                self._skipped.append(NodeResult(node_id, "skipped", message=why))
            else:
                left.append(node_id)
        if left:
            self._current = self._start(Segment(tuple(left), segment.kind))

    def _noted(self, event: BuildEvent | None) -> BuildEvent | None:
        by_id = self._artifacts.by_id
        if isinstance(event, NodeResult) and not event.passed and event.unique_id in by_id:
            self._failed.add(event.unique_id)
        return event

    def _end(self, event: DbtEnded) -> None:
        assert self._current is not None
        self._current.close(PATIENCE_SECONDS)
        self._current = None
        self._succeeded = self._succeeded and event.succeeded
