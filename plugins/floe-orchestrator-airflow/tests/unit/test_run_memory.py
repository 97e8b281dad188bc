from __future__ import annotations

from contextlib import suppress
from typing import Any

from wait_for import wait_for

from floe_core.execution import RunRecord
from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult, from_line, to_line
from floe_orchestrator_airflow.names.airflow_names import PROGRESS_HEAD, segment_key
from floe_orchestrator_airflow.task.run_memory import CHUNK_BYTES, RunMemory
from floe_orchestrator_airflow.task.task_journal import ProgressReport, TaskJournal

PASSED = NodeResult("model.shop.a", "success", seconds=0.5, rows=3)
FAILED = NodeResult("test.shop.b", "error", 0.1, "Got 2 results, configured to fail", failures=2)


class Store:
    """What of Airflow's task state store, and of its XComs, the journal uses."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.written: list[str] = []

    def get(self, key: str) -> Any:
        return self.kept.get(key)

    def set(self, key: str, value: Any) -> None:
        # As JSON would: what is changed later must not change what was written.
        self.kept[key] = list(value) if isinstance(value, list) else value
        self.written.append(key)


def journal_of(memory: RunMemory, xcoms: Store | None = None, attempt: int = 1) -> TaskJournal:
    return TaskJournal(memory, ProgressReport((xcoms or Store()).set, attempt, None))


def build(store: Store, *events: BuildEvent) -> None:
    """Write down an attempt that goes on with those before it."""
    memory = RunMemory(store)
    memory.recall()
    with journal_of(memory) as journal:
        for event in events:
            journal.note(event)


def recalled(store: Store) -> RunRecord:
    return RunMemory(store).recall()


def test_a_later_attempt_recalls_the_results_of_those_before_it() -> None:
    store = Store()
    build(store, PASSED, NodeLog("", "info", "done"), FAILED)
    assert recalled(store) == RunRecord.of([PASSED, FAILED])
    fixed = NodeResult(FAILED.unique_id, "success")
    build(store, FAILED, fixed)
    assert recalled(store) == RunRecord.of([PASSED, FAILED, FAILED, fixed])


def test_what_was_noted_is_kept_when_the_task_is_stopped() -> None:
    store = Store()
    with suppress(SystemExit), journal_of(RunMemory(store)) as journal:
        journal.note(PASSED)
        raise SystemExit
    assert recalled(store) == RunRecord.of([PASSED])


def test_what_was_noted_is_kept_and_shown_soon_though_nothing_follows_it() -> None:
    store, xcoms = Store(), Store()
    with journal_of(RunMemory(store), xcoms) as journal:
        journal.note(PASSED)
        wait_for(lambda: segment_key(1, 0) in xcoms.kept)
        assert recalled(store) == RunRecord.of([PASSED])
        assert xcoms.kept[segment_key(1, 0)] == [to_line(PASSED)]


def test_what_stands_is_shown_again_and_not_kept_twice() -> None:
    store, xcoms = Store(), Store()
    build(store, FAILED)
    memory = RunMemory(store)
    memory.recall()
    with journal_of(memory, xcoms, attempt=2) as journal:
        journal.show([FAILED])
        journal.note(PASSED)
    assert [from_line(line) for line in xcoms.kept[segment_key(2, 0)]] == [FAILED, PASSED]
    assert xcoms.kept[PROGRESS_HEAD] == {"attempt": 2, "segments": 1, "narrowed_to": None}
    assert recalled(store) == RunRecord.of([FAILED, PASSED])


def test_a_restart_forgets_all_but_what_stands_and_how_often_it_failed() -> None:
    store = Store()
    build(store, *[FAILED] * 3, PASSED)
    memory = RunMemory(store)
    memory.recall()
    memory.restart([PASSED])
    with journal_of(memory) as journal:
        journal.note(FAILED)
    assert recalled(store) == RunRecord.of([PASSED, FAILED])


def test_a_restart_forgets_even_where_nothing_follows() -> None:
    store = Store()
    build(store, FAILED)
    memory = RunMemory(store)
    memory.recall()
    memory.restart([])
    with journal_of(memory):
        pass
    assert recalled(store) == RunRecord()


def test_results_of_many_nodes_are_in_chunks_of_which_a_full_one_is_not_written_again() -> None:
    results = [NodeResult(f"model.shop.m{n}", "error", message="x" * 1000) for n in range(100)]
    store = Store()
    memory = RunMemory(store)
    for result in results:
        memory.add([to_line(result)])
        memory.save()
    assert recalled(store) == RunRecord.of(results)
    chunks = [value for value in store.kept.values() if isinstance(value, list)]
    assert len(chunks) == 4
    assert all(sum(map(len, chunk)) < CHUNK_BYTES + 2000 for chunk in chunks)
    assert sum(key.startswith("floe_results_") for key in store.written) == len(results)
