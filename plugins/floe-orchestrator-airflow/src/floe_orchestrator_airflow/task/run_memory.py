"""What the build task remembers of a run from attempt to attempt, on whichever host it runs."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import Any, cast

from floe_core.build_events import NodeResult, NodeStatus
from floe_core.execution import RunRecord

RESULTS_KEY = "floe_results"
FAILURES_KEY = "floe_failures"
SAVE_SECONDS = 1.0
LONGEST_REASON = 2000


class RunMemory:
    """Node id -> result of a run, and how often it failed, kept in Airflow's task state store.

    The store outlives a retry and a clear. Inside the block it is written every second, also while
    no result comes, so that a killed worker loses a second of results; and once more at the end.
    """

    def __init__(self, store: Any) -> None:
        self._store = store
        self._is_saved = True
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._save_regularly, name="floe-memory")
        self._thread.daemon = True
        self.results: dict[str, NodeResult] = {}
        self.failures: Counter[str] = Counter()
        self._saved_failures: dict[str, int] = {}

    @property
    def record(self) -> RunRecord:
        """What the attempts so far have come to."""
        return RunRecord(dict(self.results), Counter(self.failures))

    def recall(self) -> None:
        """Take up what the attempts before have left."""
        kept = self._store.get(RESULTS_KEY) or {}
        self.results = {node_id: _result(node_id, facts) for node_id, facts in kept.items()}
        self._saved_failures = self._store.get(FAILURES_KEY) or {}
        self.failures = Counter(self._saved_failures)

    def forget(self, node_ids: Iterable[str]) -> None:
        """Drop the results of nodes that are to be built again."""
        for node_id in node_ids:
            self.results.pop(node_id, None)

    def note(self, result: NodeResult) -> None:
        """Take up a result, to be saved soon."""
        with self._lock:
            self.results[result.unique_id] = result
            if result.status == "error":
                self.failures[result.unique_id] += 1
            self._is_saved = False

    def __enter__(self) -> RunMemory:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()
        self._save()

    def _save_regularly(self) -> None:
        while not self._is_over.wait(SAVE_SECONDS):
            self._save()

    def _save(self) -> None:
        """Save what there is, unless that is done."""
        with self._lock:
            if self._is_saved:
                return
            facts = {node_id: _facts(result) for node_id, result in self.results.items()}
            failures = dict(self.failures)
            self._is_saved = True
        self._store.set(RESULTS_KEY, facts)
        if failures != self._saved_failures:
            self._store.set(FAILURES_KEY, failures)
            self._saved_failures = failures


def _facts(result: NodeResult) -> list[Any]:
    """Return what is kept of a result; the reason only where a later attempt shows it again."""
    facts = [result.status, result.seconds, result.rows]
    reason = [] if result.passed else [result.failures, result.message[:LONGEST_REASON]]
    return [*facts, *reason]


def _result(node_id: str, facts: list[Any]) -> NodeResult:
    status, seconds, rows, *reason = facts
    failures, message = reason or (None, "")
    return NodeResult(
        node_id,
        cast(NodeStatus, status),
        seconds=seconds,
        rows=rows,
        failures=failures,
        message=message,
    )
