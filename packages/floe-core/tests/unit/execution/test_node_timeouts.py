from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

import pytest

from floe_core.dbt.call import DbtEnded
from floe_core.execution.node_timeouts import NodeTimeouts
from floe_core.runs.build_events import BuildEvent, NodeResult, NodeStarted, NodeStatus

SLOW, OTHER = "model.shop.slow", "model.shop.other"
LIMIT = 30


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class PlayedRun:
    """A `DbtRun` that plays events: each comes so many seconds after the one before it."""

    def __init__(self, clock: Clock, *events: tuple[float, BuildEvent | DbtEnded]) -> None:
        self.clock = clock
        self.is_canceled = False
        self.canceled_at: list[tuple[str, float]] = []
        self._began = clock.now
        self._patience = 100
        self._events: deque[tuple[float, BuildEvent | DbtEnded]] = deque()
        due = clock.now
        for seconds, event in events:
            due += seconds
            self._events.append((due, event))

    def next_event(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        self._patience -= 1
        assert self._patience, "it asks without end"
        until = float("inf") if timeout is None else self.clock.now + timeout
        if self._events and self._events[0][0] <= until:
            due, event = self._events.popleft()
            self.clock.now = max(self.clock.now, due)
            return event
        assert until != float("inf"), "it would wait for ever"
        self.clock.now = until
        return None

    def cancel(self) -> None:
        self.is_canceled = True

    def cancel_node(self, unique_id: str) -> None:
        self.canceled_at.append((unique_id, round(self.clock.now - self._began, 3)))

    def close(self, patience: float) -> bool:
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


def started(node_id: str) -> NodeStarted:
    return NodeStarted(node_id, datetime(2026, 3, 1, tzinfo=UTC))


def ended(node_id: str, status: NodeStatus, message: str = "of dbt") -> NodeResult:
    return NodeResult(node_id, status, message=message)


def heard(timeouts: NodeTimeouts) -> list[BuildEvent]:
    events = []
    while not isinstance(event := timeouts.next_event(None), DbtEnded):
        assert event is not None
        events.append(event)
    return events


def test_a_node_over_its_time_is_canceled_until_it_ends_and_says_so(clock: Clock) -> None:
    run = PlayedRun(clock, (0, started(SLOW)), (LIMIT + 0.5, ended(SLOW, "error")), (0, DbtEnded()))
    assert heard(NodeTimeouts(run, {SLOW: LIMIT}, clock)) == [
        started(SLOW),
        ended(SLOW, "error", "timed out after 30 s"),
    ]
    assert run.canceled_at == [(SLOW, 30.0), (SLOW, 30.2), (SLOW, 30.4)]
    assert not run.is_canceled


def test_a_node_within_its_time_is_left_alone(clock: Clock) -> None:
    run = PlayedRun(
        clock,
        (0, started(SLOW)),
        (LIMIT - 0.1, ended(SLOW, "error")),
        (0, started(OTHER)),
        (LIMIT * 9, ended(OTHER, "success")),
        (0, DbtEnded()),
    )
    events = heard(NodeTimeouts(run, {SLOW: LIMIT}, clock))
    assert events[1] == ended(SLOW, "error")
    assert run.canceled_at == []


def test_a_node_that_passes_all_the_same_has_not_timed_out(clock: Clock) -> None:
    run = PlayedRun(
        clock, (0, started(SLOW)), (LIMIT + 0.1, ended(SLOW, "success")), (0, DbtEnded())
    )
    assert heard(NodeTimeouts(run, {SLOW: LIMIT}, clock))[1] == ended(SLOW, "success")
    assert run.canceled_at == [(SLOW, 30.0)]


def test_each_node_has_a_deadline_of_its_own(clock: Clock) -> None:
    run = PlayedRun(
        clock,
        (0, started(SLOW)),
        (0.5, started(OTHER)),
        (0.6, ended(SLOW, "error")),
        (9.5, ended(OTHER, "error")),
        (0, DbtEnded()),
    )
    events = heard(NodeTimeouts(run, {SLOW: 1, OTHER: 10}, clock))
    assert [e.message for e in events if isinstance(e, NodeResult)] == [
        "timed out after 1 s",
        "timed out after 10 s",
    ]
    assert run.canceled_at == [(SLOW, 1.0), (OTHER, 10.5)]


def test_whoever_waits_for_less_gets_nothing_in_that_time(clock: Clock) -> None:
    run = PlayedRun(clock, (0, started(SLOW)), (8, ended(SLOW, "success")))
    timeouts = NodeTimeouts(run, {SLOW: LIMIT}, clock)
    assert timeouts.next_event(1) == started(SLOW)
    assert timeouts.next_event(5) is None
    assert clock.now == 1005.0
    assert timeouts.next_event(5) == ended(SLOW, "success")


def test_canceling_it_cancels_the_run() -> None:
    run = PlayedRun(Clock())
    NodeTimeouts(run, {}).cancel()
    assert run.is_canceled
