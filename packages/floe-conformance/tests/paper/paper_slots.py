"""Slots of the paper orchestrator's one pool."""

from __future__ import annotations

import threading

from floe_core.runs.build_request import SlotAnswer


class PaperSlots:
    """So many slots; `taken` are the nodes that have one."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.taken: set[str] = set()
        self.lock = threading.Lock()

    def try_claim(self, pool: str, node_id: str) -> SlotAnswer:
        with self.lock:
            if self.is_full():
                return "full"
            self.taken.add(node_id)
            return "claimed"

    def is_full(self) -> bool:
        return len(self.taken) >= self.slots

    def free(self, pool: str, node_id: str) -> None:
        with self.lock:
            self.taken.discard(node_id)

    def how_to_limit(self, pool: str) -> str:
        return "rule more lines"
