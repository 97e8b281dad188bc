"""The failure contract: what an attempt builds, by who asks for it and what came before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from floe_core.execution import (
    Attempt,
    RunRecord,
    attempt_by_hand,
    attempt_of_caller,
    automatic_attempt,
    first_attempt_number,
    may_retry,
)
from floe_core.runs.build_events import NodeResult, NodeStatus
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

Shop = Callable[..., CompiledArtifacts]
Statuses = dict[str, NodeStatus]

RAW, ORDERS, CHECKED = "seed.shop.raw", "model.shop.orders", "test.shop.checked"
TOTAL, TOTAL_CHECKED, ASIDE = "model.shop.total", "test.shop.total_checked", "model.shop.aside"
WANTED = (RAW, ORDERS, CHECKED, TOTAL, TOTAL_CHECKED, ASIDE)
PASSED: Statuses = {
    RAW: "success",
    ORDERS: "success",
    CHECKED: "pass",
    TOTAL: "success",
    TOTAL_CHECKED: "pass",
    ASIDE: "success",
}
BELOW_ORDERS: Statuses = {CHECKED: "skipped", TOTAL: "skipped", TOTAL_CHECKED: "skipped"}
MODEL_FAILED: Statuses = {**PASSED, ORDERS: "error", **BELOW_ORDERS}
TEST_FAILED: Statuses = {**PASSED, CHECKED: "fail", TOTAL: "skipped", TOTAL_CHECKED: "skipped"}


def record(statuses: Statuses, **failures: int) -> RunRecord:
    """Return a record; `failures` says how often a model has ended in an error."""
    return RunRecord(
        {node_id: NodeResult(node_id, status) for node_id, status in statuses.items()},
        {f"model.shop.{name}": count for name, count in failures.items()},
    )


@pytest.mark.parametrize(
    ("before", "automatic", "by_hand", "of_caller"),
    [
        pytest.param(record({}), WANTED, WANTED, WANTED, id="nothing came before"),
        pytest.param(
            record(MODEL_FAILED, orders=1), WANTED[1:5], WANTED[1:5], WANTED[1:5], id="model failed"
        ),
        pytest.param(
            record(TEST_FAILED),
            (),
            (CHECKED, TOTAL, TOTAL_CHECKED),
            (CHECKED, TOTAL, TOTAL_CHECKED),
            id="test failed",
        ),
        pytest.param(
            record({**TEST_FAILED, CHECKED: "error"}),
            (CHECKED, TOTAL, TOTAL_CHECKED),
            (CHECKED, TOTAL, TOTAL_CHECKED),
            (CHECKED, TOTAL, TOTAL_CHECKED),
            id="test could not run",
        ),
        pytest.param(
            record({RAW: "success", ORDERS: "success"}),
            WANTED[2:],
            WANTED[2:],
            WANTED[2:],
            id="worker was killed",
        ),
        pytest.param(record(PASSED), (), WANTED, (), id="everything passed"),
        pytest.param(record({**PASSED, CHECKED: "warn"}), (), WANTED, (), id="test warned"),
    ],
)
def test_an_attempt_builds_what_its_kind_says(
    before: RunRecord,
    automatic: tuple[str, ...],
    by_hand: tuple[str, ...],
    of_caller: tuple[str, ...],
    shop: Shop,
) -> None:
    assert automatic_attempt(shop(retries=1), WANTED, before).todo == automatic
    assert attempt_by_hand(WANTED, before).todo == by_hand
    assert attempt_of_caller(WANTED, before).todo == of_caller


def test_what_is_not_built_again_stands() -> None:
    settled = tuple(NodeResult(node_id, "success") for node_id in (RAW, ORDERS, ASIDE))
    todo = (CHECKED, TOTAL, TOTAL_CHECKED)
    unfinished = tuple(NodeResult(i, TEST_FAILED[i]) for i in todo)
    assert attempt_by_hand(WANTED, record(TEST_FAILED)) == Attempt(todo, settled, unfinished)


def test_a_failed_test_and_what_it_holds_back_stand_in_an_automatic_attempt(shop: Shop) -> None:
    statuses: Statuses = {**TEST_FAILED, ASIDE: "error"}
    attempt = automatic_attempt(shop(retries=1), WANTED, record(statuses, aside=1))
    assert attempt.todo == (ASIDE,)
    assert [result.status for result in attempt.settled] == [statuses[i] for i in WANTED[:-1]]


def test_a_failed_test_holds_back_no_other_test_of_what_it_tests(shop: Shop) -> None:
    artifacts = shop(retries=1, policies={"total_checked": {"depends_on": (ORDERS,)}})
    before = record({**TEST_FAILED, TOTAL_CHECKED: "error"})
    assert automatic_attempt(artifacts, WANTED, before).todo == (TOTAL_CHECKED,)


def test_only_what_is_wanted_is_built_or_stands(shop: Shop) -> None:
    before = record(MODEL_FAILED, orders=1)
    expected = Attempt((ORDERS,), (NodeResult(RAW, "success"),), (NodeResult(ORDERS, "error"),))
    assert automatic_attempt(shop(retries=1), (RAW, ORDERS), before) == expected
    assert attempt_by_hand((RAW, ORDERS), before) == expected


def test_a_run_that_wants_nothing_builds_nothing_by_hand_either() -> None:
    assert attempt_by_hand((), record(MODEL_FAILED)) == Attempt(())


@pytest.mark.parametrize(("failures", "todo"), [(1, WANTED[1:5]), (2, WANTED[1:5]), (3, ())])
def test_a_node_runs_again_as_often_as_its_own_policy_says(
    failures: int, todo: tuple[str, ...], shop: Shop
) -> None:
    artifacts = shop(retries=0, policies={"orders": {"retries": 2}})
    before = record(MODEL_FAILED, orders=failures)
    assert automatic_attempt(artifacts, WANTED, before).todo == todo


def test_a_node_without_a_policy_is_not_retried_for_the_sake_of_one_that_has(shop: Shop) -> None:
    artifacts = shop(retries=0, policies={"orders": {"retries": 2}})
    before = record({**MODEL_FAILED, ASIDE: "error"}, orders=1, aside=1)
    assert automatic_attempt(artifacts, WANTED, before).todo == WANTED[1:5]


def test_the_products_own_retries_are_the_orchestrators_to_count(shop: Shop) -> None:
    before = record(MODEL_FAILED, orders=7)
    assert automatic_attempt(shop(retries=1), WANTED, before).todo == WANTED[1:5]


def test_a_person_is_not_held_to_how_often_a_node_has_failed() -> None:
    assert attempt_by_hand(WANTED, record(MODEL_FAILED, orders=9)).todo == WANTED[1:5]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (record(MODEL_FAILED, orders=1), True),
        (record(TEST_FAILED), False),
        # What failed then is a hook: another attempt would be green without having run it.
        (record(PASSED), False),
    ],
)
def test_a_retry_is_in_order_only_where_it_has_something_to_do(
    before: RunRecord, expected: bool, shop: Shop
) -> None:
    assert may_retry(shop(retries=1), WANTED, before) is expected


def test_no_two_attempts_of_runs_that_go_on_with_one_another_share_a_number(shop: Shop) -> None:
    artifacts = shop(retries=2)
    numbers = [
        first_attempt_number(artifacts, run) + retry for run in range(3) for retry in (0, 1, 2)
    ]
    assert numbers == list(range(1, 10))
