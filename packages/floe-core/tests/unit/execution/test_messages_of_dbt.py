"""What dbt 1 and dbt 2 log, as the events of a build. The messages are theirs, shortened."""

from __future__ import annotations

from typing import Any

import pytest

from floe_core.dbt.messages import DbtMessages
from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult, NodeStarted

BROKEN = "model.shop.broken"
NODE = {
    "unique_id": BROKEN,
    "node_started_at": "2026-11-26T11:05:50.060333Z",
    "node_finished_at": "2026-11-26T11:05:51.520440Z",
}
ERROR_OF_DBT_2 = """\
[error] [DbDriverFailed (dbt1308)]: Database Error in model broken (target/run/broken.sql)
  Binder Error: Referenced column "no_such" not found in FROM clause!
   0: <unknown>
   1: start_thread
             at ./nptl/pthread_create.c:448:8
"""
REASON = (
    "[DbDriverFailed (dbt1308)]: Database Error in model broken (target/run/broken.sql)\n"
    '  Binder Error: Referenced column "no_such" not found in FROM clause!'
)


def message(name: str, level: str, text: str = "", **data: Any) -> dict[str, Any]:
    return {"info": {"name": name, "level": level, "msg": text}, "data": data}


def events(*messages: dict[str, Any]) -> list[BuildEvent]:
    translator = DbtMessages()
    return [event for each in messages for event in translator.translate(each)]


def finished(**run_result: Any) -> dict[str, Any]:
    return message("NodeFinished", "debug", "Finished", node_info=NODE, run_result=run_result)


def result(**run_result: Any) -> NodeResult:
    [_, ended] = events(message("NodeStart", "debug", node_info=NODE), finished(**run_result))
    assert isinstance(ended, NodeResult)
    return ended


def test_dbt_1_says_at_the_end_of_a_node_why_it_failed() -> None:
    ended = result(status="error", message="Binder Error: no", execution_time=1.4603)
    assert (ended.status, ended.message, ended.seconds) == ("error", "Binder Error: no", 1.46)


def test_dbt_2_says_before_the_end_of_a_node_why_it_failed() -> None:
    said = message("Generic", "error", ERROR_OF_DBT_2, node_info={"unique_id": BROKEN})
    start = message("NodeStart", "debug", node_info=NODE)
    [started, log, ended] = events(start, said, finished(status="error"))
    assert isinstance(started, NodeStarted)
    assert log == NodeLog(BROKEN, "error", REASON)
    assert isinstance(ended, NodeResult)
    assert (ended.status, ended.message) == ("error", REASON)


def test_a_warning_of_dbt_2_has_no_stack_frames_and_is_no_reason() -> None:
    text = ERROR_OF_DBT_2.replace("[error]", "[warning]")
    said = message("Generic", "warn", text, node_info={"unique_id": BROKEN})
    start = message("NodeStart", "debug", node_info=NODE)
    [_, log, ended] = events(start, said, finished(status="success"))
    assert log == NodeLog(BROKEN, "warn", REASON)
    assert isinstance(ended, NodeResult)
    assert (ended.status, ended.message) == ("success", "")


def test_the_reason_of_one_attempt_is_not_that_of_the_next() -> None:
    said = message("Generic", "error", ERROR_OF_DBT_2, node_info={"unique_id": BROKEN})
    start = message("NodeStart", "debug", node_info=NODE)
    ended = events(start, said, finished(status="error"), start, finished(status="success"))[-1]
    assert isinstance(ended, NodeResult)
    assert (ended.status, ended.message) == ("success", "")


def test_an_error_that_dbt_2_gives_no_node_is_of_an_operation() -> None:
    [log] = events(message("Generic", "error", "[error] [X (dbt1308)]: no table nowhere"))
    assert log == NodeLog("operation", "error", "[X (dbt1308)]: no table nowhere")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("success", "success"),
        ("reused", "success"),
        ("no-op", "success"),
        ("partial success", "error"),
        ("runtime error", "error"),
        ("skipped", "skipped"),
    ],
)
def test_a_word_of_any_dbt_is_one_of_floes(word: str, status: str) -> None:
    assert result(status=word).status == status


def test_a_word_of_no_dbt_is_an_error_that_names_it() -> None:
    ended = result(status="postponed", message="later")
    said = "dbt ended it as 'postponed', a status that floe does not know"
    assert (ended.status, ended.message) == ("error", said)


def test_the_rows_that_a_test_found_count_for_its_verdict_alone() -> None:
    test = {**NODE, "unique_id": "test.shop.unique_id"}
    told = {"status": "fail", "num_failures": 2}
    [ended] = events(message("NodeFinished", "debug", node_info=test, run_result=told))
    assert isinstance(ended, NodeResult)
    assert (ended.failures, result(status="success", num_failures=0).failures) == (2, None)


def test_only_the_outermost_end_of_a_node_counts() -> None:
    """dbt 1 starts and ends a microbatch model within itself, once for each batch."""
    start = message("NodeStart", "debug", node_info=NODE)
    told = events(start, start, finished(status="success"), finished(status="partial success"))
    assert [type(event) for event in told] == [NodeStarted, NodeResult]
    assert isinstance(told[1], NodeResult)
    assert told[1].status == "error"
