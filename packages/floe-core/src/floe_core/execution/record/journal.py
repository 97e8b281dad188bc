"""The record of a run on disk: one line for each event, and the results of its attempts so far."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.runs.build_events import BuildEvent, NodeResult, PartitionResult, from_line, to_line
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.files import open_regular, read_regular
from floe_core.storage.state_folder import run_folder, run_place


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Node id -> its last result, and node id -> how often it ended in an error.

    `partitions` is node id -> key -> the last result of a node for a partition.
    """

    results: Mapping[str, NodeResult] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    partitions: Mapping[str, Mapping[str, PartitionResult]] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[BuildEvent]) -> RunRecord:
        """Return the record of these events, given in order.

        >>> RunRecord.of([NodeResult("a", "error"), NodeResult("a", "success")]).failures
        Counter({'a': 1})
        """
        events = tuple(events)
        results = [event for event in events if isinstance(event, NodeResult)]
        errors = Counter(result.unique_id for result in results if result.status == "error")
        partitions: dict[str, dict[str, PartitionResult]] = {}
        for event in events:
            if isinstance(event, PartitionResult):
                partitions.setdefault(event.unique_id, {})[event.key] = event
        return cls({result.unique_id: result for result in results}, errors, partitions)

    def after(self, events: Iterable[BuildEvent]) -> RunRecord:
        """Return the record after these further events."""
        further = RunRecord.of(events)
        failures = Counter(self.failures) + Counter(further.failures)
        partitions = {
            node_id: {**self.partitions.get(node_id, {}), **further.partitions.get(node_id, {})}
            for node_id in (*self.partitions, *further.partitions)
        }
        return RunRecord({**self.results, **further.results}, failures, partitions)


FILE = "events.jsonl"
# More than the end of a build takes.
_MOST_OF_A_LINE = 65_536


class Journal:
    """Appends events, flushing each at once, so that a killed process loses none."""

    def __init__(self, project_dir: Path, run_id: str) -> None:
        path = run_folder(project_dir, run_id) / FILE
        is_torn = _is_torn(path)
        opened = open_regular(path, "ab")
        self._file = TextIOWrapper(opened, encoding="utf-8", errors="backslashreplace")
        if is_torn:
            self._file.write("\n")

    def write(self, event: BuildEvent) -> None:
        """Append one event."""
        self._file.write(to_line(event) + "\n")
        self._file.flush()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


def read_events(project_dir: Path, run_id: str) -> list[BuildEvent]:
    """Return a run's events so far, in order; none for a run that has not started.

    A line left incomplete by a killed process or a full disk is ignored.
    """
    path = run_place(project_dir, run_id) / FILE
    try:
        lines = read_regular(path).split("\n")
    except (FileNotFoundError, NotADirectoryError):
        return []
    events = (_event(line) for line in lines[:-1] if line)
    return [event for event in events if event is not None]


def readable_events(folder: Path, build_ids: Iterable[str]) -> list[BuildEvent]:
    """Return the events of builds, as far as they can be read: their end is reported anyway."""
    events: list[BuildEvent] = []
    for build_id in build_ids:
        with suppress(OSError, EnvironmentProblemError):
            events += read_events(folder, build_id)
    return events


def record_of(artifacts: CompiledArtifacts, *run_ids: str) -> RunRecord:
    """Return the record of these runs on this machine, each of which continues the ones before it.

    A run that has not started adds nothing.

    Raises:
        UsageError: The artifacts come from no folder.
    """
    folder = artifacts.folder
    return RunRecord.of(event for run_id in run_ids for event in read_events(folder, run_id))


def last_event(path: Path) -> BuildEvent | None:
    """Return the last event of a journal, None if there is none or if its line is incomplete."""
    try:
        with open_regular(path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _MOST_OF_A_LINE))
            lines = file.read().decode(errors="replace").split("\n")
    except FileNotFoundError:
        return None
    return _event(lines[-2]) if len(lines) > 1 and not lines[-1] else None


def _event(line: str) -> BuildEvent | None:
    try:
        event = from_line(line)
        hash(event)
        return event
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _is_torn(path: Path) -> bool:
    """Return whether the last line is incomplete."""
    try:
        with open_regular(path, "rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except FileNotFoundError:
        return False
