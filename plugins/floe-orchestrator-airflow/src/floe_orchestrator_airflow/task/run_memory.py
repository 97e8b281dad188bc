"""Stores the results of a run between attempts of the build task, on whatever host it runs.

Values are in Airflow's store of a task, else in a folder of the run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from floe_core.execution import RunRecord
from floe_core.runs.build_events import NodeResult, from_line, to_line
from floe_core.storage.files import write_whole
from floe_core.storage.state_folder import place_below, run_folder
from floe_orchestrator_airflow.names.run_of_product import build_run_id

if TYPE_CHECKING:
    from airflow.sdk import Context

# How many chunks there are; see `chunk_key`.
CHUNKS_KEY = "floe_result_chunks"
# Airflow warns about a value of more than 64 kB.
CHUNK_BYTES = 32_000


class TaskStore(Protocol):
    """Keeps values of JSON by key. `None` is a key that has no value."""

    def get(self, key: str) -> Any:
        """Return a value."""
        ...

    def set(self, key: str, value: Any) -> None:
        """Keep a value."""
        ...


def task_store(context: Context, project_dir: Path, task_id: str) -> TaskStore:
    """Return the store of a task, which survives a retry and a clear.

    Airflow has one from 3.3 on. Before, values are in the folder of the run: a retry on another
    host finds them only if the hosts share the product's state folder.
    """
    values: Any = context
    if "task_state_store" in values:
        store: TaskStore = values["task_state_store"]
        return store
    run = run_folder(project_dir, build_run_id(context, task_id))
    return _FolderStore(place_below(run, "kept"))


class _FolderStore:
    """A store of a file for each key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Any:
        try:
            return json.loads(self._file(key).read_bytes())
        except (OSError, ValueError):
            return None

    def set(self, key: str, value: Any) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._file(key), json.dumps(value).encode())

    def _file(self, key: str) -> Path:
        return self._folder / f"{quote(key, safe='')}.json"


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
