"""Stores the results of a run between attempts of the build task, on whatever host it runs."""

from __future__ import annotations

from collections.abc import Iterable

from floe_core.execution import RunRecord
from floe_core.runs.build_events import NodeResult, from_line, to_line
from floe_orchestrator_airflow.task.task_store import TaskStore

# How many chunks there are; see `chunk_key`.
CHUNKS_KEY = "floe_result_chunks"
# Airflow warns about a value of more than 64 kB.
CHUNK_BYTES = 32_000


def chunk_key(number: int) -> str:
    """Return the key of a chunk of results, which count from 0."""
    return f"floe_results_{number}"


class RunMemory:
    """The results of a run, in order of arrival, as lines in a store that survives a retry.

    A result is added to the last chunk; a full chunk is not
    written again.
    """

    def __init__(self, store: TaskStore) -> None:
        self._store = store
        self._chunks: list[list[str]] = []
        self._saved_chunks = 0
        self._first_unsaved = 0

    def recall(self) -> RunRecord:
        """Return the record of earlier attempts, and continue after it."""
        self._saved_chunks = self._first_unsaved = self._store.get(CHUNKS_KEY) or 0
        self._chunks = [self._store.get(chunk_key(n)) or [] for n in range(self._saved_chunks)]
        events = (from_line(line) for chunk in self._chunks for line in chunk)
        return RunRecord.of(events)

    def restart(self, settled: Iterable[NodeResult]) -> None:
        """Drop all but these results, and how often a node has failed."""
        self._chunks, self._first_unsaved = [], 0
        self.add(map(to_line, settled))

    def add(self, lines: Iterable[str]) -> None:
        """Add results, in the form of `to_line`."""
        for line in lines:
            if not self._chunks or sum(map(len, self._chunks[-1])) >= CHUNK_BYTES:
                self._chunks.append([])
            self._chunks[-1].append(line)
            self._first_unsaved = min(self._first_unsaved, len(self._chunks) - 1)

    def save(self) -> None:
        """Write the results that are not in the store yet."""
        count = len(self._chunks)
        for number in range(self._first_unsaved, count):
            self._store.set(chunk_key(number), self._chunks[number])
        if self._saved_chunks != count:
            self._store.set(CHUNKS_KEY, count)
        self._saved_chunks = self._first_unsaved = count
