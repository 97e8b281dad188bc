"""After any history of changes, the tables under reuse are those of plain dbt."""

from __future__ import annotations

import pytest
from reuse_histories import Score, run_history


def check(score: Score) -> None:
    """Fail where a table differs, where too little is built, or more than a tenth too much."""
    assert score.wrong == []
    assert score.is_within_bounds, (score.too_little, score.too_much)


def test_a_short_history_equals_plain_dbts() -> None:
    check(run_history(seed=1, steps=2, size=12))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1))
def test_a_history_equals_plain_dbts(seed: int) -> None:
    check(run_history(seed, steps=4, size=16))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1))
def test_a_history_on_postgres_equals_plain_dbts(seed: int) -> None:
    check(run_history(seed, steps=4, size=16, kind="postgres"))


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(300))
def test_three_hundred_histories_on_postgres_equal_plain_dbts(seed: int) -> None:
    check(run_history(seed, kind="postgres"))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(300))
def test_three_hundred_histories_equal_plain_dbts(seed: int) -> None:
    check(run_history(seed))
