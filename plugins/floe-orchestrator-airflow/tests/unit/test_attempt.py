from __future__ import annotations

import pytest

from floe_orchestrator_airflow.task.build_operator import is_automatic


@pytest.mark.parametrize(
    ("try_number", "max_tries", "retries", "expected"),
    [
        (1, 2, 2, True),
        (2, 2, 2, True),
        (3, 2, 2, True),
        (4, 5, 2, False),  # cleared after three tries
        (5, 5, 2, True),
        (2, 1, 0, False),  # cleared, no retries at all
    ],
)
def test_a_try_after_a_clear_is_told_from_those_that_airflow_makes(
    try_number: int, max_tries: int, retries: int, expected: bool
) -> None:
    assert is_automatic(try_number, max_tries, retries) is expected
