"""The slots of a build's nodes in the orchestrator's pools: one for each node while it runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from floe_core.execution.gates import nodes_held_back_by
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult, NodeStarted
from floe_core.runs.build_request import NodeSlots, wait_for_slot
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

Tell = Callable[[BuildEvent], None]

_log = logging.getLogger("floe.pools")


class SlotsOfBuild:
    """Makes nodes wait until they have a slot; once closed, the build holds none.

    Without `slots` of the orchestrator, no node waits.
    """

    def __init__(self, artifacts: CompiledArtifacts, slots: NodeSlots | None) -> None:
        self._artifacts = artifacts
        self._slots = slots
        self._pools = artifacts.pools_of_nodes if slots is not None else {}
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._held: dict[str, str] = {}
        self._began: dict[str, datetime] = {}
        self._held_back: set[str] = set()
        self._without_limit: set[str] = set()

    def concerns(self, node_id: str) -> bool:
        """Return whether a node is in a pool."""
        return node_id in self._pools

    def receive(self, event: BuildEvent, tell: Tell) -> BuildEvent:
        """Return an event of a node; its start waits for a slot, and its end frees it.

        Called in the node's own thread. `tell` receives messages for the node's log. Times exclude
        the wait.

        Raises:
            EnvironmentProblemError: The request for a slot failed.
        """
        if isinstance(event, NodeStarted) and self.concerns(event.unique_id):
            self.take(event.unique_id, tell)
            return replace(event, at=self._began[event.unique_id])
        if isinstance(event, NodeResult):
            return self._end_node(event)
        return event

    def take(self, node_id: str, tell: Tell) -> None:
        """Wait until a node has a slot in its pool, or until waiting is stopped.

        Raises:
            EnvironmentProblemError: The request for the slot failed.
        """
        try:
            # dbt also starts the nodes that it skips, and ends them at once.
            if node_id not in self._held_back:
                self._wait(node_id, self._pools[node_id], tell)
        finally:
            self._began[node_id] = datetime.now(UTC)

    def give_back(self, node_id: str) -> None:
        """Free a node's slot, if it has one."""
        with self._lock:
            pool = self._held.pop(node_id, None)
        if pool is not None:
            self._free(pool, node_id)

    def stop(self) -> None:
        """Stop all waiting: nodes that are to be canceled do not start."""
        self._is_over.set()

    def close(self) -> None:
        """Free all slots."""
        self.stop()
        with self._lock:
            held, self._held = self._held, {}
        for node_id, pool in held.items():
            self._free(pool, node_id)

    def _wait(self, node_id: str, pool: str, tell: Tell) -> None:
        assert self._slots is not None  # no node is in a pool without them

        def log(text: str) -> None:
            tell(NodeLog(node_id, "info", text))

        answer = wait_for_slot(self._slots, pool, node_id, self._is_over, log)
        if answer == "unlimited":
            self._warn_once(node_id, pool, tell)
        elif answer == "full" or not self._hold(node_id, pool):
            self._free(pool, node_id)

    def _hold(self, node_id: str, pool: str) -> bool:
        """Record that a node has a slot; return False if it comes after `close`."""
        with self._lock:
            is_late = self._is_over.is_set()
            if not is_late:
                self._held[node_id] = pool
        return not is_late

    def _warn_once(self, node_id: str, pool: str, tell: Tell) -> None:
        assert self._slots is not None
        with self._lock:
            is_known = pool in self._without_limit
            self._without_limit.add(pool)
        if not is_known:
            how = self._slots.how_to_limit(pool)
            tell(NodeLog(node_id, "warn", f"pool {pool} holds nothing back: {how}"))

    def _end_node(self, result: NodeResult) -> NodeResult:
        self.give_back(result.unique_id)
        if self._pools and not result.passed and result.unique_id in self._artifacts.by_id:
            held_back = nodes_held_back_by(self._artifacts, [result.unique_id])
            with self._lock:
                self._held_back |= held_back
        began = self._began.get(result.unique_id)
        return replace(result, started_at=began) if began and result.started_at else result

    def _free(self, pool: str, node_id: str) -> None:
        """Free a slot; one that could not be freed is left for the orchestrator to reclaim."""
        assert self._slots is not None
        try:
            self._slots.free(pool, node_id)
        except EnvironmentProblemError as error:
            _log.warning("%s: its slot of pool %s was not given back: %s", node_id, pool, error)
