"""Cancel single nodes that exceed their timeouts, while the rest of the build goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from floe_core.dbt.call import DbtEnded, DbtRun
from floe_core.runs.build_events import BuildEvent, NodeResult, NodeStarted

# A node over its timeout is canceled repeatedly: it may have been between two queries.
CANCEL_SECONDS = 0.2


class NodeTimeouts:
    """Follows the events of a dbt run, and cancels its nodes at their own timeouts.

    `seconds` maps node id to its timeout, for the nodes that have one; `clock` returns seconds from
    an arbitrary start.
    """

    def __init__(
        self, run: DbtRun, seconds: Mapping[str, int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._run = run
        self._clock = clock
        self._seconds = seconds
        self._deadlines: dict[str, float] = {}
        self._next_look = float("inf")
        self._overdue: set[str] = set()

    def cancel(self) -> None:
        """Cancel the whole run; see `DbtRun.cancel`."""
        self._run.cancel()

    def next_event(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """Return the next event, waiting up to `timeout` seconds for it; None if none came."""
        until = float("inf") if timeout is None else self._clock() + timeout
        while True:
            self._cancel_overdue()
            end = min(until, self._next_look)
            wait = None if end == float("inf") else max(0.0, end - self._clock())
            event = self._run.next_event(wait)
            if event is not None:
                return self._apply(event)
            if self._clock() >= until:
                return None

    def _apply(self, event: BuildEvent | DbtEnded) -> BuildEvent | DbtEnded:
        if isinstance(event, NodeStarted) and event.unique_id in self._seconds:
            deadline = self._clock() + self._seconds[event.unique_id]
            self._deadlines[event.unique_id] = deadline
            self._next_look = min(self._next_look, deadline)
        elif isinstance(event, NodeResult):
            self._deadlines.pop(event.unique_id, None)
            if event.unique_id in self._overdue and not event.passed:
                seconds = self._seconds[event.unique_id]
                return replace(event, message=f"timed out after {seconds} s")
        return event

    def _cancel_overdue(self) -> None:
        now = self._clock()
        if now < self._next_look:
            return
        for node_id, deadline in self._deadlines.items():
            if deadline <= now:
                self._overdue.add(node_id)
                self._run.cancel_node(node_id)
        ends = [max(deadline, now + CANCEL_SECONDS) for deadline in self._deadlines.values()]
        self._next_look = min(ends, default=float("inf"))
