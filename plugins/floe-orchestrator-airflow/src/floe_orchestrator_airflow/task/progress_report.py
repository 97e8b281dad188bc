"""Reports the progress of the build task while it runs, through its own XComs.

XComs reach the triggerer on any host. The head says how many segments there are; the events are in
segments that are written once, so that an hour of logs is not sent again every second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import JsonValue

from floe_orchestrator_airflow.names.progress_keys import HEAD, segment_key

MAX_EVENTS = 200


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
        self._push(HEAD, head)
