from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from floe_core.build_events import NodeResult
from floe_orchestrator_airflow.task.run_memory import RunMemory

PASSED = NodeResult("model.shop.a", "success", seconds=0.5, rows=3)
FAILED = NodeResult("test.shop.b", "error", 0.1, "Got 2 results, configured to fail", failures=2)


class Store:
    """What of Airflow's task state store the memory uses."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self.kept.get(key)

    def set(self, key: str, value: Any) -> None:
        self.kept[key] = value


def test_a_later_attempt_recalls_what_an_earlier_one_noted() -> None:
    store = Store()
    with RunMemory(store) as memory:
        memory.note(PASSED)
        memory.note(FAILED)
    later = RunMemory(store)
    later.recall()
    assert later.results == {PASSED.unique_id: PASSED, FAILED.unique_id: FAILED}


def test_what_was_noted_is_kept_when_the_task_is_stopped() -> None:
    store = Store()
    with suppress(SystemExit), RunMemory(store) as memory:
        memory.note(PASSED)
        raise SystemExit
    later = RunMemory(store)
    later.recall()
    assert later.results == {PASSED.unique_id: PASSED}


def test_what_was_noted_is_kept_soon_though_nothing_follows_it() -> None:
    store = Store()
    with RunMemory(store) as memory:
        memory.note(PASSED)
        deadline = time.monotonic() + 20
        while not store.kept and time.monotonic() < deadline:
            time.sleep(0.05)
        later = RunMemory(store)
        later.recall()
        assert later.results == {PASSED.unique_id: PASSED}


def test_an_attempt_keeps_the_results_it_does_not_repeat() -> None:
    store = Store()
    with RunMemory(store) as memory:
        memory.note(PASSED)
        memory.note(FAILED)
    with RunMemory(store) as second:
        second.recall()
        second.forget([FAILED.unique_id])
        second.note(NodeResult(FAILED.unique_id, "success"))
    third = RunMemory(store)
    third.recall()
    assert {i: r.status for i, r in third.results.items()} == {
        PASSED.unique_id: "success",
        FAILED.unique_id: "success",
    }


def test_failures_are_counted_over_the_attempts_until_they_are_cleared() -> None:
    store = Store()
    counts = []
    for _ in range(2):
        with RunMemory(store) as memory:
            memory.recall()
            memory.forget([FAILED.unique_id])
            memory.note(FAILED)
        counts.append(dict(memory.failures))
    with RunMemory(store) as memory:
        memory.recall()
        memory.failures.clear()
        memory.note(PASSED)
    last = RunMemory(store)
    last.recall()
    assert [*counts, dict(last.failures)] == [{FAILED.unique_id: 1}, {FAILED.unique_id: 2}, {}]
