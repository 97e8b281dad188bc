"""When the trigger of a job fires, on a ledger of files; the counts of runs are given to it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from epochs import last_numbers, without_epochs

from floe_core.ports.ledger import Ledger
from floe_core.ports.record import Update
from floe_core.schemas.ports import UpdateTrigger
from floe_orchestrator_airflow.internals import RunCounts
from floe_orchestrator_airflow.ticks.ledger_trigger import (
    SECONDS_TO_A_RUN,
    Firing,
    LedgerTrigger,
)

PORTS = ("crm/customers@1", "sales/orders@1")
NONE_YET = RunCounts(total=0, unfinished=0)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(str(tmp_path / "ledger"), is_local=True)


def update(ledger: Ledger, product: str, port: str, run_id: str = "run") -> None:
    found = Update(number=0, moment=datetime.now(UTC), run_id=run_id)
    ledger.add_updates(product, [port], found)


def trigger_in(folder: Path, **fields: object) -> LedgerTrigger:
    rule = UpdateTrigger.model_validate({"on_update": "all", "ports": PORTS, **fields})
    arguments = {"dag_id": "marts", "product": "marts", "job": "marts", "ledger": "ledger"}
    return LedgerTrigger(
        update_trigger=rule.model_dump_json(), project_dir=str(folder), **arguments
    )


def test_it_fires_once_for_the_same_updates(tmp_path: Path, ledger: Ledger) -> None:
    trigger = trigger_in(tmp_path)
    update(ledger, "crm", "customers@1")
    assert trigger.due(NONE_YET) == ""
    update(ledger, "sales", "orders@1")
    assert without_epochs(trigger.due(NONE_YET)) == "crm/customers@1#1,sales/orders@1#1"
    # The run is not there yet, then there, then over before it came to say what it has seen.
    for counts in (NONE_YET, RunCounts(1, 1), RunCounts(1, 0)):
        assert trigger.due(counts) == ""
    update(ledger, "sales", "orders@1", "another")
    assert without_epochs(trigger.due(RunCounts(1, 0))) == "crm/customers@1#1,sales/orders@1#2"


def test_it_does_not_fire_while_a_run_is_on(tmp_path: Path, ledger: Ledger) -> None:
    trigger = trigger_in(tmp_path, on_update="any")
    update(ledger, "crm", "customers@1")
    assert trigger.due(RunCounts(3, 1)) == ""
    assert without_epochs(trigger.due(RunCounts(3, 0))) == "crm/customers@1#1"


def test_what_a_run_has_seen_starts_none(tmp_path: Path, ledger: Ledger) -> None:
    update(ledger, "crm", "customers@1")
    seen = last_numbers(ledger, "crm/customers@1")
    ledger.begin("marts", "marts", "by hand", seen, datetime.now(UTC), {})
    assert trigger_in(tmp_path, on_update="any").due(NONE_YET) == ""


def test_it_is_rebuilt_from_what_it_serialises(tmp_path: Path) -> None:
    trigger = trigger_in(tmp_path, wait_seconds=60)
    path, arguments = trigger.serialize()
    module, _, name = path.rpartition(".")
    assert (module, name) == (LedgerTrigger.__module__, "LedgerTrigger")
    assert LedgerTrigger(**arguments).serialize() == (path, arguments)


@pytest.mark.parametrize(
    ("key", "runs", "later", "expected"),
    [
        ("a#1", 4, 0.0, True),
        ("a#2", 4, 0.0, False),
        # No run came of it: Airflow dropped the event, as of a DAG that was paused.
        ("a#1", 4, SECONDS_TO_A_RUN, False),
        ("a#1", 5, 59.0, True),
        # It has started a run, which ended before it began to build.
        ("a#1", 5, 60.0, False),
        ("a#1", None, SECONDS_TO_A_RUN, True),
    ],
)
def test_when_a_firing_is_enough(key: str, runs: int | None, later: float, expected: bool) -> None:
    assert Firing("a#1", runs=4, moment=100.0).is_enough(key, runs, 100.0 + later) is expected


def test_runs_that_end_before_they_build_are_started_at_longer_and_longer_intervals() -> None:
    first = Firing("a#1", runs=4, moment=100.0)
    # Airflow dropped the first event.
    dropped = first.again("a#1", 4, 160.0)
    second = dropped.again("a#1", 5, 220.0)
    assert (dropped.ended, second.ended) == (0, 1)
    assert [second.is_enough("a#1", 6, 220.0 + later) for later in (119.0, 120.0)] == [True, False]
    assert second.again("a#2", 6, 400.0).ended == 0


def test_the_wait_for_the_next_run_counts_from_the_end_of_the_last_one() -> None:
    fired = Firing("a#1", runs=4, moment=100.0).while_running(700.0)
    assert [fired.is_enough("a#1", 5, now) for now in (759.0, 760.0)] == [True, False]


def test_the_log_says_once_why_a_run_starts_or_does_not(
    tmp_path: Path, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    trigger = trigger_in(tmp_path, on_update="any")
    update(ledger, "crm", "customers@1")
    with caplog.at_level("INFO"):
        key = trigger.due(NONE_YET)
        for counts in (NONE_YET, RunCounts(1, 1), RunCounts(1, 0), RunCounts(1, 0)):
            assert trigger.due(counts) == ""
    assert [each.getMessage() for each in caplog.records] == [
        f"marts: started by {key}",
        f"marts: a run for {key} ended before it began to build; the next one starts 60 s later",
    ]


def test_a_ledger_that_cannot_be_read_is_logged_once_and_read_again(
    tmp_path: Path, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    trigger = trigger_in(tmp_path, on_update="any")
    update(ledger, "crm", "customers@1")
    record = tmp_path / "ledger" / "crm.json"
    good = record.read_bytes()
    record.write_bytes(b"not a record")
    with caplog.at_level("INFO"):
        assert [trigger.key_to_fire(lambda _: NONE_YET) for _ in range(2)] == ["", ""]
        record.write_bytes(good)
        key = trigger.key_to_fire(lambda _: NONE_YET)
        assert without_epochs(key) == "crm/customers@1#1"
    assert [each.getMessage() for each in caplog.records if key not in each.getMessage()] == [
        "marts: the ledger of ports cannot be read: "
        f"{record}: is not a ledger record; move it away to begin a new one",
        "marts: the ledger of ports can be read again",
    ]
