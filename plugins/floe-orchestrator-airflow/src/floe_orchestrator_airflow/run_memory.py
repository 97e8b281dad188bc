"""What the build task remembers of a run from attempt to attempt, on whichever host it runs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, cast

from floe_core.build_events import NodeResult, NodeStatus

KEY = "floe_results"
SAVE_SECONDS = 2.0


class RunMemory:
    """Node id -> result of a run, kept in Airflow's task state store.

    The store outlives a retry and a clear. It is written every other second, so that a killed
    worker loses two seconds of results, and when the memory is left.
    """

    def __init__(self, store: Any) -> None:
        self._store = store
        self._saved_at = time.monotonic()
        self._is_saved = True
        self.results: dict[str, NodeResult] = {}

    def recall(self) -> None:
        """Take up what the attempts before have left."""
        kept = self._store.get(KEY) or {}
        self.results = {node_id: _result(node_id, facts) for node_id, facts in kept.items()}

    def forget(self, node_ids: Iterable[str]) -> None:
        """Drop the results of nodes that are to be built again."""
        for node_id in node_ids:
            self.results.pop(node_id, None)

    def note(self, result: NodeResult) -> None:
        """Take up a result, and save what there is when that is due."""
        self.results[result.unique_id] = result
        self._is_saved = False
        if time.monotonic() - self._saved_at > SAVE_SECONDS:
            self._save()

    def __enter__(self) -> RunMemory:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if not self._is_saved:
            self._save()

    def _save(self) -> None:
        self._store.set(KEY, {i: [r.status, r.seconds, r.rows] for i, r in self.results.items()})
        self._saved_at, self._is_saved = time.monotonic(), True


def _result(node_id: str, facts: list[Any]) -> NodeResult:
    status, seconds, rows = facts
    return NodeResult(node_id, cast(NodeStatus, status), seconds=seconds, rows=rows)
