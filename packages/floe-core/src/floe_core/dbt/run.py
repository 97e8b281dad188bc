"""The interface of a running dbt invocation, the same for both ways to run dbt."""

from __future__ import annotations

import queue
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from floe_core.runs.build_events import BuildEvent


@dataclass(frozen=True, slots=True)
class DbtEnded:
    """The invocation of dbt has ended.

    `problem` is what stopped it apart from failing nodes, "" if nothing did. `succeeded` is dbt's
    own verdict: a failing hook makes it False even if every node passed.
    """

    problem: str = ""
    succeeded: bool = True


class EventQueue(queue.SimpleQueue[BuildEvent | DbtEnded]):
    """The events of a run's threads, in order."""

    def take(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """See `DbtRun.next_event`."""
        try:
            return self.get(timeout=timeout)
        except queue.Empty:
            return None


class DbtRun(Protocol):
    """One dbt invocation that has been started."""

    def next_event(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """Return the next event, waiting up to `timeout` seconds for it; None if none came."""

    def cancel(self) -> None:
        """Stop at once: cancel running queries and start nothing new. Does not wait."""

    def cancel_node(self, unique_id: str) -> None:
        """Cancel the queries of one node, so that it ends with an error. Does not wait.

        Does nothing before the node has sent a query: call it until the node's result comes.
        """

    def close(self, patience: float) -> bool:
        """Wait up to `patience` seconds for the end; return whether nothing is left of it."""


class Throttle(Protocol):
    """Lets the nodes of a running dbt wait before they start."""

    def receive(self, event: BuildEvent, tell: Callable[[BuildEvent], None]) -> BuildEvent:
        """Return an event of a node, for a start once the node may start.

        Called in the node's own thread. `tell` receives messages for the node's log.

        Raises:
            EnvironmentProblemError: The node must not start.
        """

    def stop(self) -> None:
        """Stop all waiting: nodes that are to be canceled do not start."""


class Gate(Protocol):
    """Leaves nodes out of a running dbt."""

    def is_left_out(self, node_id: str) -> bool:
        """Return whether a node that has started is to be left out."""

    def receive(self, event: BuildEvent) -> BuildEvent | None:
        """Return the event to report for one of dbt's events, None for none."""


# Starts one dbt build of these nodes, of which the gate may leave out some.
StartDbt = Callable[[tuple[str, ...], Gate | None], DbtRun]
