from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from floe_core.dbt.messages import DbtMessages, is_of_interest, rows_of, status_of
from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult, NodeStarted

MODEL, TEST, UNIT_TEST = "model.shop.orders", "test.shop.unique_id", "unit_test.shop.orders.adds"
STARTED_AT, FINISHED_AT = "2026-03-01T06:00:01", "2026-03-01T06:00:03.500000"


def message(name: str, unique_id: str = "", level: str = "info", **parts: Any) -> dict[str, Any]:
    """Return a message in the shape of dbt's structured logs, protocol v3."""
    node_info = {"unique_id": unique_id, **parts.pop("node_info", {})} if unique_id else None
    info = {"name": name, "level": level, "msg": parts.pop("msg", "")}
    return {"info": info, "data": {"node_info": node_info, **parts}}


def finished(unique_id: str, status: str, **run_result: Any) -> dict[str, Any]:
    times = {"node_started_at": STARTED_AT, "node_finished_at": FINISHED_AT}
    result = {"status": status, **run_result}
    return message("NodeFinished", unique_id, "debug", node_info=times, run_result=result)


def read(*messages: dict[str, Any]) -> list[BuildEvent]:
    translator = DbtMessages()
    return [event for each in messages for event in translator.translate(each)]


def at(hour: int, minute: int, second: int, microsecond: int = 0) -> datetime:
    return datetime(2026, 3, 1, hour, minute, second, microsecond, tzinfo=UTC)


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_from_utc")
def test_a_start_has_the_time_that_dbt_gives_in_utc() -> None:
    [naive] = read(message("NodeStart", MODEL, "debug", node_info={"node_started_at": STARTED_AT}))
    assert naive == NodeStarted(MODEL, at(6, 0, 1))
    aware = {"node_started_at": "2026-03-01T07:00:01+01:00"}
    assert read(message("NodeStart", MODEL, "debug", node_info=aware)) == [naive]


def test_a_start_without_a_time_is_now() -> None:
    before = datetime.now(UTC)
    [started] = read(message("NodeStart", MODEL, "debug"))
    assert isinstance(started, NodeStarted)
    assert before <= started.at <= datetime.now(UTC)


def test_a_model_that_ended_has_its_seconds_rows_and_times() -> None:
    assert read(
        finished(
            MODEL,
            "success",
            execution_time=2.50049,
            message="OK",
            adapter_response={"rows_affected": 7},
        )
    ) == [
        NodeResult(
            MODEL,
            "success",
            seconds=2.5,
            message="OK",
            rows=7,
            started_at=at(6, 0, 1),
            ended_at=at(6, 0, 3, 500000),
        )
    ]


@pytest.mark.parametrize(
    ("unique_id", "status", "failures"),
    [
        (TEST, "fail", 2),
        (TEST, "warn", 2),
        (TEST, "pass", 2),
        (UNIT_TEST, "fail", 2),
        (TEST, "error", None),
        (MODEL, "success", None),
    ],
)
def test_the_rows_that_a_test_found_are_told_of_a_test_that_ran(
    unique_id: str, status: str, failures: int | None
) -> None:
    [result] = read(finished(unique_id, status, num_failures=2))
    assert isinstance(result, NodeResult)
    assert result.failures == failures


def test_a_test_that_dbt_gives_no_count_for_found_nothing() -> None:
    [result] = read(finished(TEST, "pass"))
    assert isinstance(result, NodeResult)
    assert result.failures == 0


def test_what_was_skipped_has_no_times() -> None:
    assert read(finished(MODEL, "skipped", message="held back")) == [
        NodeResult(MODEL, "skipped", message="held back")
    ]


def test_of_a_microbatch_model_only_its_own_start_and_end_are_told() -> None:
    start = message("NodeStart", MODEL, "debug", node_info={"node_started_at": STARTED_AT})
    batch = [start, finished(MODEL, "success")]
    events = read(start, *batch, *batch, finished(MODEL, "partial success"), *batch)
    kinds = [type(event).__name__ for event in events]
    assert kinds == ["NodeStarted", "NodeResult", "NodeStarted", "NodeResult"]
    assert [e.status for e in events if isinstance(e, NodeResult)] == ["error", "success"]


def test_an_end_without_a_start_does_not_hide_the_next_start() -> None:
    events = read(finished(MODEL, "skipped"), message("NodeStart", MODEL, "debug"))
    assert [type(event).__name__ for event in events] == ["NodeResult", "NodeStarted"]


def test_a_line_of_the_log_belongs_to_its_node_or_to_the_run() -> None:
    assert read(
        message("LogModelResult", MODEL, msg="1 of 1 OK"),
        message("MainReportVersion", level="warn", msg="Running with dbt"),
    ) == [NodeLog(MODEL, "info", "1 of 1 OK"), NodeLog("", "warn", "Running with dbt")]


def test_what_dbt_says_to_its_debugger_or_without_words_is_left_out() -> None:
    noise = [message("SQLQuery", MODEL, level, msg="select 1") for level in ("debug", "test")]
    assert read(*noise, message("Formatting", msg="")) == []


@pytest.mark.parametrize(
    ("name", "level", "expected"),
    [
        ("NodeStart", "debug", True),
        ("NodeFinished", "debug", True),
        ("SQLQuery", "debug", False),
        ("SQLQuery", "test", False),
        ("RunResultError", "error", True),
    ],
)
def test_starts_and_ends_are_of_interest_at_any_level(
    name: str, level: str, expected: bool
) -> None:
    assert is_of_interest(name, level) is expected


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *((word, word) for word in ("success", "pass", "warn", "fail", "error", "skipped")),
        ("Success", "success"),
        ("Runtime Error", "error"),
        ("no-op", "success"),
        ("partial success", "error"),
        ("reused", "success"),
        ("a word of a later dbt", None),
        ("", None),
    ],
)
def test_a_status_of_dbts_is_one_of_floes_in_any_case(word: str, status: str | None) -> None:
    assert status_of(word) == status


def test_a_status_that_is_not_known_is_an_error_that_names_it() -> None:
    [result] = read(finished(MODEL, "paused", message="OK"))
    assert isinstance(result, NodeResult)
    assert (result.status, result.message) == (
        "error",
        "dbt ended it as 'paused', a status that floe does not know",
    )


@pytest.mark.parametrize(
    ("response", "rows"),
    [
        ({}, None),
        ({"rows_affected": -1}, None),
        ({"rows_affected": 0}, 0),
        ({"rows_affected": "3"}, 3),
    ],
)
def test_rows_are_what_the_warehouse_says_it_wrote(
    response: dict[str, Any], rows: int | None
) -> None:
    assert rows_of(response) == rows
