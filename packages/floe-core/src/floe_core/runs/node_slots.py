"""The slots of an orchestrator's pools; a node holds one while it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal, Protocol

POLL_SECONDS = 1.0

# `unlimited`: the pool has no limit in the orchestrator, so no node waits for it.
SlotAnswer = Literal["claimed", "full", "unlimited"]


class NodeSlots(Protocol):
    """The slots of one build. Called from the threads of its nodes, several at a time.

    Both methods raise `EnvironmentProblemError` if the orchestrator can't be reached: then the node
    fails.
    """

    def try_claim(self, pool: str, node_id: str) -> SlotAnswer:
        """Claim a slot if one is free, without waiting for one.

        Called again every second until a slot is claimed, or the node gives up. State that a call
        keeps for the next one, such as a place in a queue, is removed by `free`.
        """

    def free(self, pool: str, node_id: str) -> None:
        """Free the node's slot, or its place in the queue."""

    def how_to_limit(self, pool: str) -> str:
        """Return how to give the pool a limit, as part of a sentence."""


def wait_for_slot(
    slots: NodeSlots, pool: str, node_id: str, is_over: threading.Event, tell: Callable[[str], None]
) -> SlotAnswer:
    """Claim a slot, waiting until one is free; return "full" if `is_over` is set first.

    `tell` receives a line for the node's log when the wait begins, and one when it ends.

    Raises:
        EnvironmentProblemError: The request for a slot failed.
    """
    waits_since: float | None = None
    while not is_over.is_set():
        answer = slots.try_claim(pool, node_id)
        if answer != "full":
            if waits_since is not None:
                waited = time.monotonic() - waits_since
                tell(f"has a slot of pool {pool} after {waited:.1f} s")
            return answer
        if waits_since is None:
            waits_since = time.monotonic()
            tell(f"waits for a slot of pool {pool}")
        is_over.wait(POLL_SECONDS)
    return "full"
