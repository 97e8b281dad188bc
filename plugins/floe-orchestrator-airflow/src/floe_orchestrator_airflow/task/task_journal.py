"""Records the events of a build, one per line, for later attempts and for the triggerer.

Airflow drops a task's XComs when it retries, and no other task can read its task state store. So
the same lines go to both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType

from pydantic import JsonValue

from floe_core.runs.build_events import BuildEvent, NodeResult, to_line
from floe_orchestrator_airflow.names.airflow_names import PROGRESS_HEAD, segment_key
from floe_orchestrator_airflow.task.run_memory import RunMemory

MAX_EVENTS = 200

FLUSH_SECONDS = 0.5


class ProgressReport:
    """Pushes lines of events in segments."""

    def __init__(
        self,
        push: Callable[[str, JsonValue], None],
        attempt: int,
        narrowed_to: tuple[str, ...] | None,
    ) -> None:
        self._push = push
        self._attempt = attempt
        self._narrowed_to = narrowed_to
        self._segments = 0

    def push(self, lines: Sequence[str]) -> None:
        """Push these events, in the form of `to_line`."""
        for start in range(0, len(lines), MAX_EVENTS):
            segment: list[JsonValue] = list(lines[start : start + MAX_EVENTS])
            self._push(segment_key(self._attempt, self._segments), segment)
            self._segments += 1
        if lines:
            self.push_head()

    def push_head(self) -> None:
        """Push the head, which says how many segments there are."""
        narrowed = self._narrowed_to
        head: dict[str, JsonValue] = {
            "attempt": self._attempt,
            "segments": self._segments,
            "narrowed_to": None if narrowed is None else list(narrowed),
        }
        self._push(PROGRESS_HEAD, head)


class TaskJournal:
    """Collects events, and writes them twice a second from a thread, even while none arrive.

    A killed worker loses half a second of results. Writes inside the block, and once at its end.
    """

    def __init__(self, memory: RunMemory, report: ProgressReport) -> None:
        self._memory = memory
        self._report = report
        self._shown: list[str] = []
        self._results: list[str] = []
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._flush_regularly, name="floe-journal")
        self._thread.daemon = True

    def note(self, event: BuildEvent) -> None:
        """Record an event, to be written soon."""
        line = to_line(event)
        with self._lock:
            self._shown.append(line)
            if isinstance(event, NodeResult):
                self._results.append(line)

    def show(self, settled: Iterable[NodeResult]) -> None:
        """Report results kept from earlier attempts again, without storing them again."""
        with self._lock:
            self._shown.extend(map(to_line, settled))

    def __enter__(self) -> TaskJournal:
        self._report.push_head()
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
        self._flush()

    def _flush_regularly(self) -> None:
        while not self._is_over.wait(FLUSH_SECONDS):
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            shown, self._shown = self._shown, []
            results, self._results = self._results, []
        self._memory.add(results)
        self._memory.save()
        self._report.push(shown)
