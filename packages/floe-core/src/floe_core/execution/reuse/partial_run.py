"""One dbt build in a run, without the nodes that it would not change."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from floe_core.dbt.call import DbtEnded, DbtRun, StartDbt
from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult

if TYPE_CHECKING:
    from floe_core.execution.reuse.gate import NodeGate
    from floe_core.execution.reuse.partial_build import PartialBuild

PATIENCE_SECONDS = 20.0


class PartialRun:
    """A run that emits what is reused, then dbt's events, then what could not be stored."""

    def __init__(self, build: PartialBuild | WholeBuild, start_dbt: StartDbt) -> None:
        self._build = build
        self._pending: deque[BuildEvent] = deque(build.begin())
        self._end: DbtEnded | None = None if build.todo else DbtEnded()
        self._run = self._start(start_dbt) if build.todo else None
        if self._run is None:
            self._pending.extend(build.finish(succeeded=True))

    def next_event(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """See `DbtRun.next_event`."""
        if self._pending:
            return self._pending.popleft()
        if self._end is not None or self._run is None:
            return self._end
        event = self._run.next_event(timeout)
        if isinstance(event, DbtEnded):
            self._run.close(PATIENCE_SECONDS)
            self._end = event
            succeeded = event.succeeded and not event.problem
            self._pending.extend(self._build.finish(succeeded=succeeded))
            return self.next_event(timeout)
        if isinstance(event, NodeResult):
            event = self._build.receive(event)
            self._pending.extend(self._build.follow(event))
        return event

    def cancel(self) -> None:
        """See `DbtRun.cancel`."""
        if self._run is not None:
            self._run.cancel()

    def cancel_node(self, unique_id: str) -> None:
        """See `DbtRun.cancel_node`."""
        if self._run is not None:
            self._run.cancel_node(unique_id)

    def close(self, patience: float) -> bool:
        """See `DbtRun.close`."""
        is_closed = self._run is None or self._run.close(patience)
        self._build.release()
        return is_closed

    def _start(self, start_dbt: StartDbt) -> DbtRun:
        try:
            return start_dbt(self._build.todo, self._build.gate)
        except BaseException:
            self._build.release()
            raise


class WholeBuild:
    """A build of all of its nodes, of which nothing is stored; `why` is for a person."""

    gate: NodeGate | None = None

    def __init__(self, todo: tuple[str, ...], why: str) -> None:
        self.todo = todo
        self._why = why

    def begin(self) -> Iterator[BuildEvent]:
        """Yield a message saying why nothing is reused."""
        yield NodeLog("", "warn", f"reuse: {self._why}", is_from_floe=True)

    def receive(self, result: NodeResult) -> NodeResult:
        """Return the result unchanged."""
        return result

    def follow(self, result: NodeResult) -> Iterator[BuildEvent]:
        """Yield nothing."""
        yield from ()

    def finish(self, *, succeeded: bool) -> Iterator[BuildEvent]:
        """Yield nothing."""
        yield from ()

    def release(self) -> None:
        """Do nothing."""
