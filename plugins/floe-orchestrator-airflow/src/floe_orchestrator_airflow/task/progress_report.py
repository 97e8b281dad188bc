"""The build task's side of its progress: what it tells while it runs, through XComs of its own.

XComs reach the triggerer on any host. The head says how much there is; the rest is in segments that
are written once, so that an hour of logs is not sent again every second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from pydantic import JsonValue

from floe_core.build_events import BuildEvent, to_line

HEAD = "floe_progress"
FLUSH_SECONDS = 0.5
MAX_EVENTS = 200


def segment_key(attempt: int, number: int) -> str:
    """Return the key of a segment; segments count from 0 in each attempt."""
    return f"{HEAD}_{attempt}_{number}"


class ProgressReport:
    """Collects events and pushes them in segments, twice a second, from a thread of its own."""

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
        self._waiting: list[str] = []
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._flush_regularly, name="floe-progress")
        self._thread.daemon = True

    def hear(self, event: BuildEvent) -> None:
        """Take an event, to be told soon."""
        with self._lock:
            self._waiting.append(to_line(event))

    def __enter__(self) -> ProgressReport:
        self._push_head()
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
            waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), MAX_EVENTS):
            lines: list[JsonValue] = list(waiting[start : start + MAX_EVENTS])
            self._push(segment_key(self._attempt, self._segments), lines)
            self._segments += 1
        if waiting:
            self._push_head()

    def _push_head(self) -> None:
        narrowed = self._narrowed_to
        head: dict[str, JsonValue] = {
            "attempt": self._attempt,
            "segments": self._segments,
            "narrowed_to": None if narrowed is None else list(narrowed),
        }
        self._push(HEAD, head)
