"""A dbt run under way, as the build sees it, whichever way it is run."""

from __future__ import annotations

import queue
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from floe_core.build_events import BuildEvent

if TYPE_CHECKING:
    from floe_core.execution.reusing.node_gate import NodeGate


@dataclass(frozen=True, slots=True)
class DbtEnded:
    """dbt is over.

    `problem` is what stopped it apart from failing nodes, "" when nothing did. `succeeded` is dbt's
    own verdict: a failing hook makes it False with every node passed.
    """

    problem: str = ""
    succeeded: bool = True


class EventQueue(queue.SimpleQueue[BuildEvent | DbtEnded]):
    """What the threads of a run have to tell, in order."""

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
        """Stop at once: running queries are cancelled, nothing new begins. Does not wait."""

    def cancel_node(self, unique_id: str) -> None:
        """Cancel what one node runs in the warehouse, so that it ends in an error. Does not wait.

        Does nothing before the node has asked the warehouse: call it until the node's result comes.
        """

    def close(self, patience: float) -> bool:
        """Wait up to `patience` seconds for the end; return whether nothing is left of it."""


# Starts one build of dbt of these nodes, of which the gate may leave out some.
StartDbt = Callable[[tuple[str, ...], "NodeGate | None"], DbtRun]
