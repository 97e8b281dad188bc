from __future__ import annotations

import pytest
from airflow.triggers.base import TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent

from floe_core.runs.build_events import NodeResult, NodeStarted, NodeStatus
from floe_orchestrator_airflow.mirrors.mirror_triggers import MirrorTrigger, OutcomeTrigger
from floe_orchestrator_airflow.task.run_progress import RunProgress

ID = "model.shop.orders"
MIRROR = MirrorTrigger([ID])
OUTCOME = OutcomeTrigger({ID: "orders"})


def progress(build_state: str = "running", *, status: NodeStatus | None = None) -> RunProgress:
    found = RunProgress(build_state=build_state)
    if status is not None:
        found.receive([NodeResult(ID, status, seconds=1.5, rows=3)])
    return found


def kind(event: object) -> type | None:
    return None if event is None else type(event)


@pytest.mark.parametrize("status", ["success", "pass", "warn"])
def test_a_node_that_passed_is_over_at_once_and_tells_what_it_did(status: NodeStatus) -> None:
    event = MIRROR._end(progress(status=status))
    assert isinstance(event, TaskSuccessEvent)
    assert event.xcoms == {"floe_result": {"status": status, "seconds": 1.5, "rows": 3}}


@pytest.mark.parametrize("status", ["error", "fail", "skipped"])
@pytest.mark.parametrize("build_state", ["running", "up_for_retry", "queued", ""])
def test_a_node_that_did_not_pass_waits_while_a_retry_may_come(
    status: NodeStatus, build_state: str
) -> None:
    assert MIRROR._end(progress(build_state, status=status)) is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [("error", TaskFailedEvent), ("fail", TaskFailedEvent), ("skipped", TaskSkippedEvent)],
)
def test_it_ends_as_dbt_ended_it_when_the_build_is_over(status: NodeStatus, expected: type) -> None:
    assert kind(MIRROR._end(progress("failed", status=status))) is expected


def test_a_node_that_was_running_when_the_build_died_has_failed() -> None:
    from datetime import UTC, datetime

    died = progress("failed")
    died.receive([NodeStarted(ID, datetime.now(UTC))])
    assert kind(MIRROR._end(died)) is TaskFailedEvent


def test_a_node_that_never_began_is_skipped() -> None:
    assert kind(MIRROR._end(progress("failed"))) is TaskSkippedEvent


def test_a_node_outside_a_narrowed_run_is_skipped() -> None:
    narrowed = progress("success")
    narrowed.narrowed_to = ("model.shop.other",)
    assert kind(MIRROR._end(narrowed)) is TaskSkippedEvent


OTHER = "model.shop.people"
GROUP = MirrorTrigger([ID, OTHER])


def group_progress(build_state: str, one: NodeStatus, other: NodeStatus | None) -> RunProgress:
    found = progress(build_state, status=one)
    if other is not None:
        found.receive([NodeResult(OTHER, other, seconds=0.5)])
    return found


def test_a_group_is_over_when_all_its_nodes_passed() -> None:
    event = GROUP._end(group_progress("running", "success", "success"))
    assert isinstance(event, TaskSuccessEvent)
    assert event.xcoms == {"floe_result": {"status": "success", "nodes": 2, "seconds": 2.0}}


@pytest.mark.parametrize("other", ["error", "skipped", None])
def test_a_group_waits_for_the_build_while_a_node_has_not_passed(other: NodeStatus | None) -> None:
    assert GROUP._end(group_progress("running", "success", other)) is None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("success", "error", TaskFailedEvent),
        ("skipped", "fail", TaskFailedEvent),
        ("success", "skipped", TaskSkippedEvent),
        ("skipped", "skipped", TaskSkippedEvent),
        ("success", None, TaskSkippedEvent),
    ],
)
def test_a_group_is_never_green_with_a_node_that_did_not_pass(
    one: NodeStatus, other: NodeStatus | None, expected: type
) -> None:
    assert kind(GROUP._end(group_progress("failed", one, other))) is expected


def test_a_group_of_a_narrowed_run_is_as_good_as_the_nodes_that_were_wanted() -> None:
    narrowed = progress("success", status="success")
    narrowed.narrowed_to = (ID,)
    assert kind(GROUP._end(narrowed)) is TaskSuccessEvent


def test_another_attempt_forgets_the_results_of_the_one_before() -> None:
    retried = progress("running", status="error")
    retried.begin_attempt(2)
    assert (retried.attempt, retried.segments, retried.results) == (2, 0, {})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (progress("success", status="success"), TaskSuccessEvent),
        (progress("failed", status="success"), TaskFailedEvent),
        (progress("failed"), TaskFailedEvent),
        (progress("success", status="error"), TaskFailedEvent),
        (progress("upstream_failed"), TaskFailedEvent),
    ],
)
def test_the_outcome_is_green_only_with_a_build_whose_nodes_all_passed(
    found: RunProgress, expected: type
) -> None:
    assert kind(OUTCOME._verdict_of_build(found)) is expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [("success", TaskSuccessEvent), ("skipped", TaskFailedEvent), ("failed", TaskFailedEvent)],
)
def test_after_a_clear_the_outcome_is_that_of_the_nodes_tasks(state: str, expected: type) -> None:
    assert kind(OUTCOME._verdict_of_tasks({"orders": state}, progress("failed"))) is expected
