"""The progress of a run as the triggerer sees it: the build task's reports and its state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult, NodeStarted

FINAL_STATES = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


@dataclass(slots=True)
class RunProgress:
    """The progress of one run. `build_state` is Airflow's state of the build task, "" at first.

    `narrowed_to` are the ids that the run is limited to, None for all. `segments` counts those
    read in this `attempt`.
    """

    attempt: int = 0
    segments: int = 0
    narrowed_to: tuple[str, ...] | None = None
    build_state: str = ""
    results: dict[str, NodeResult] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    messages: dict[str, list[NodeLog]] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Whether the build task has ended, with no retry to come."""
        return self.build_state in FINAL_STATES

    def wants(self, node_id: str) -> bool:
        """Whether the node is part of this run."""
        return self.narrowed_to is None or node_id in self.narrowed_to

    def begin_attempt(self, attempt: int) -> None:
        """Start over for another attempt, which also reports results kept from earlier ones."""
        self.attempt, self.segments = attempt, 0
        self.results.clear()
        self.started.clear()

    def receive(self, events: Iterable[BuildEvent]) -> None:
        """Add the events that the build task reported."""
        for event in events:
            if isinstance(event, NodeResult):
                self.results[event.unique_id] = event
            elif isinstance(event, NodeStarted):
                self.started.add(event.unique_id)
            elif isinstance(event, NodeLog) and event.unique_id:
                self.messages.setdefault(event.unique_id, []).append(event)
