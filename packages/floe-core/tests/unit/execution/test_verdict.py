from __future__ import annotations

from datetime import UTC, datetime

import pytest

from floe_core.dbt.call import DbtEnded
from floe_core.execution.record.verdict import Verdict
from floe_core.runs.build_events import BuildEnded, NodeLog, NodeResult, NodeStarted, NodeStatus

A, B, C = "model.shop.a", "model.shop.b", "test.shop.c"
AT = datetime(2026, 3, 1, 6, tzinfo=UTC)
HOOK = "operation.shop.on_run_end"


def ended(node_id: str, status: NodeStatus, message: str = "") -> NodeResult:
    return NodeResult(node_id, status, message=message)


def verdict_on(*results: NodeResult, settled: tuple[NodeResult, ...] = ()) -> Verdict:
    verdict = Verdict((A, B, C), settled)
    for result in results:
        verdict.take(result)
    return verdict


def test_a_build_succeeds_if_every_node_passed() -> None:
    verdict = verdict_on(ended(A, "success"), ended(B, "success"), ended(C, "warn"))
    assert verdict.close_unfinished("not reached") == []
    assert verdict.conclude(DbtEnded()) == BuildEnded(True)


@pytest.mark.parametrize("status", ["error", "fail", "skipped"])
def test_one_node_that_did_not_pass_fails_the_build(status: NodeStatus) -> None:
    verdict = verdict_on(ended(A, "success"), ended(B, "success"), ended(C, status))
    assert verdict.conclude(DbtEnded()) == BuildEnded(False, f"1 of 3 nodes: 1 {status}")


def test_the_counts_are_by_status_in_the_order_of_their_names() -> None:
    verdict = verdict_on(ended(A, "skipped"), ended(B, "error"), ended(C, "skipped"))
    assert verdict.conclude(DbtEnded()).message == "3 of 3 nodes: 1 error, 2 skipped"


def test_what_had_begun_ends_in_an_error_and_what_had_not_is_skipped() -> None:
    verdict = verdict_on(ended(A, "success"))
    verdict.take(NodeStarted(B, AT))
    assert verdict.close_unfinished("timed out after 3 s") == [
        ended(B, "error", "timed out after 3 s"),
        ended(C, "skipped", "timed out after 3 s"),
    ]
    assert verdict.close_unfinished("again") == []
    assert verdict.conclude(DbtEnded("timed out after 3 s", succeeded=False)) == BuildEnded(
        False, "timed out after 3 s"
    )


def test_a_node_that_began_and_ended_is_finished() -> None:
    verdict = verdict_on()
    verdict.take(NodeStarted(A, AT))
    verdict.take(ended(A, "success"))
    assert [result.unique_id for result in verdict.close_unfinished("canceled")] == [B, C]


def test_what_stands_from_earlier_attempts_counts_without_being_told_again() -> None:
    failed, passed = ended("model.shop.before", "fail"), ended(A, "success")
    verdict = verdict_on(ended(B, "success"), ended(C, "pass"), settled=(failed, passed))
    assert verdict.close_unfinished("not reached") == []
    assert verdict.conclude(DbtEnded()) == BuildEnded(False, "1 of 4 nodes: 1 fail")


def test_a_problem_of_dbts_own_fails_a_build_in_which_every_node_passed() -> None:
    verdict = verdict_on(ended(A, "success"), ended(B, "success"), ended(C, "pass"))
    assert verdict.conclude(DbtEnded("dbt was killed", succeeded=False)) == BuildEnded(
        False, "dbt was killed"
    )


def test_a_hook_that_failed_fails_the_build_with_what_it_said() -> None:
    verdict = verdict_on(ended(A, "success"), ended(B, "success"), ended(C, "pass"))
    assert verdict.take(NodeLog(HOOK, "error", " no such table\n")) == NodeLog(
        "", "error", " no such table\n"
    )
    assert verdict.conclude(DbtEnded(succeeded=False)) == BuildEnded(
        False, "every node passed, but dbt failed\nno such table"
    )


def test_only_errors_of_what_is_no_node_go_into_the_message() -> None:
    verdict = verdict_on(ended(A, "success"), ended(B, "error"), ended(C, "pass"))
    node_log = NodeLog(B, "error", "the node's own")
    assert verdict.take(node_log) == node_log
    verdict.take(NodeLog("", "error", "of the run"))
    verdict.take(NodeLog(HOOK, "warn", "a warning"))
    verdict.take(NodeLog(HOOK, "error", "of the hook"))
    assert verdict.conclude(DbtEnded()).message == "1 of 3 nodes: 1 error\nof the hook"


def test_what_is_no_node_of_the_build_is_not_reported() -> None:
    verdict = verdict_on()
    assert verdict.take(NodeStarted("model.shop.ephemeral", AT)) is None
    assert verdict.take(ended("model.shop.ephemeral", "success")) is None
    assert verdict.take(BuildEnded(True)) is None
    assert verdict.take(NodeStarted(A, AT)) == NodeStarted(A, AT)
    assert verdict.take(ended(A, "success")) == ended(A, "success")
