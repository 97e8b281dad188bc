from __future__ import annotations

from collections.abc import Callable

import pytest

from floe_core.build_events import NodeResult, NodeStatus
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.task.attempt import Attempt

SEED, MODEL, TEST = "seed.shop.raw", "model.shop.orders", "test.shop.unique_orders_id.1a2b"
ALL = (SEED, MODEL, TEST)


def results(*statuses: NodeStatus) -> dict[str, NodeResult]:
    return {i: NodeResult(i, status) for i, status in zip(ALL, statuses, strict=True)}


@pytest.mark.parametrize(
    ("try_number", "max_tries", "retries", "is_retry"),
    [
        (1, 2, 2, False),
        (2, 2, 2, True),
        (3, 2, 2, True),
        (4, 5, 2, False),  # cleared after three tries
        (5, 5, 2, True),
        (2, 1, 0, False),  # cleared, no retries at all
    ],
)
def test_a_retry_is_told_from_a_first_try_and_from_a_cleared_task(
    try_number: int, max_tries: int, retries: int, is_retry: bool
) -> None:
    assert Attempt.of(try_number, max_tries, retries) == Attempt(try_number, is_retry)


def test_a_retry_builds_what_failed_and_what_was_held_back(
    make_artifacts: Callable[..., CompiledArtifacts],
) -> None:
    before = results("success", "error", "skipped")
    assert Attempt(2, is_retry=True).to_build(make_artifacts(), ALL, before, {}) == (MODEL, TEST)


def test_a_retry_never_repeats_a_failed_test(
    make_artifacts: Callable[..., CompiledArtifacts],
) -> None:
    before = results("success", "success", "fail")
    assert Attempt(2, is_retry=True).to_build(make_artifacts(), ALL, before, {}) == ()


def test_clearing_a_failed_build_repeats_its_failed_tests(
    make_artifacts: Callable[..., CompiledArtifacts],
) -> None:
    before = results("success", "success", "fail")
    assert Attempt(2, is_retry=False).to_build(make_artifacts(), ALL, before, {}) == (TEST,)


def test_clearing_a_build_that_passed_builds_everything_again(
    make_artifacts: Callable[..., CompiledArtifacts],
) -> None:
    before = results("success", "success", "pass")
    assert Attempt(2, is_retry=False).to_build(make_artifacts(), ALL, before, {}) == ALL
