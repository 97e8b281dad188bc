"""A step that waits for a slot in its pool before its process starts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from floe_core.dbt.run import DbtEnded, DbtRun, EventQueue
from floe_core.execution.slots_of_build import SlotsOfBuild
from floe_core.execution.steps.process import StepNotStarted
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.runs.build_events import BuildEvent, NodeResult


class WaitingStep:
    """Waits in a thread of its own, then behaves like the run that `start` returns."""

    def __init__(self, node_id: str, slots: SlotsOfBuild, start: Callable[[], DbtRun]) -> None:
        self._node_id = node_id
        self._slots = slots
        self._start = start
        self._events = EventQueue()
        self._lock = threading.Lock()
        self._run: DbtRun | None = None
        self._is_canceled = False
        self._thread = threading.Thread(target=self._work, name="floe-step-slot", daemon=True)
        self._thread.start()

    def next_event(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """See `DbtRun.next_event`."""
        return self._events.take(timeout)

    def cancel(self) -> None:
        """See `DbtRun.cancel`."""
        self._slots.stop()
        with self._lock:
            self._is_canceled = True
            if self._run is not None:
                self._run.cancel()

    def cancel_node(self, unique_id: str) -> None:
        """See `DbtRun.cancel_node`; a waiting step has not started."""
        if self._run is not None:
            self._run.cancel_node(unique_id)

    def close(self, patience: float) -> bool:
        """See `DbtRun.close`."""
        until = time.monotonic() + patience
        self._thread.join(patience)
        run = self._run
        is_closed = run is None or run.close(max(0.0, until - time.monotonic()))
        return is_closed and not self._thread.is_alive()

    def _work(self) -> None:
        try:
            self._slots.take(self._node_id, self._events.put)
        except EnvironmentProblemError as error:
            self._pass_on(StepNotStarted(self._node_id, str(error)))
            return
        with self._lock:
            if self._is_canceled:
                self._events.put(DbtEnded(succeeded=False))
                return
            self._run = self._start()
        self._pass_on(self._run)

    def _pass_on(self, run: DbtRun) -> None:
        while True:
            event = run.next_event(None)
            if isinstance(event, NodeResult):
                self._slots.give_back(self._node_id)
            if event is not None:
                self._events.put(event)
            if isinstance(event, DbtEnded):
                return
