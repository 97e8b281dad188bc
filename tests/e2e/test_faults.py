"""What goes wrong goes wrong in the same way on Dagster and on Airflow, and leaves nothing behind.

Each fault happens to one product on three sides: Dagster, Airflow with a task a node, and Airflow
with one task. States are the orchestrator's own; what ran is read from each warehouse.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from everywhere import (
    DAGSTER,
    NODE,
    PRODUCT,
    Outcome,
    compiled_everywhere,
    processes_at,
    run_everywhere,
)
from faulty_product import ENDLESS, FaultyProduct, at_first_try

from floe_orchestrator_airflow.local_airflow.service import LocalAirflow

RETRY_ONCE = "retries: 1, retryDelaySeconds: 1"
PASSED_BEFORE_MIDDLE = ["aside 1 began", "aside 1 passed", "first 1 began", "first 1 passed"]
ALL = {"first", "middle", "middle_is_good", "last", "aside"}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    with LocalAirflow(tmp_path_factory.mktemp("airflow")) as service:
        yield service


def assert_all(
    outcomes: dict[str, Outcome],
    *,
    state: str,
    ran: list[str],
    green: set[str],
    red: set[str],
    attempts: int = 1,
) -> None:
    """Hold every side against one answer; what is neither green nor red is skipped."""
    for side, outcome in outcomes.items():
        assert (outcome.state, outcome.report) == (state, state), (side, outcome)
        assert (outcome.attempts, outcome.ran) == (attempts, sorted(ran)), (side, outcome)
    assert outcomes[DAGSTER].green == outcomes[NODE].green == green
    assert outcomes[NODE].tasks == {
        **dict.fromkeys(ALL - green - red, "skipped"),
        **dict.fromkeys(green, "success"),
        **dict.fromkeys(red, "failed"),
        **dict.fromkeys(("dbt_build", "outcome"), state),
    }
    assert outcomes[PRODUCT].tasks == {"dbt_build": state}


def test_what_fails_at_first_and_passes_at_the_second_try_is_all_that_runs_again(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    flaky = FaultyProduct(at_first_try("select error('not yet') as id"), RETRY_ONCE)
    outcomes = run_everywhere(compiled_everywhere(flaky, tmp_path, "flaky"), airflow)
    again = ["middle 2 began", "middle 2 passed", "last 2 began", "last 2 passed"]
    assert_all(
        outcomes,
        state="success",
        attempts=2,
        ran=[*PASSED_BEFORE_MIDDLE, "middle 1 began", *again, "middle_is_good ran"],
        green=ALL,
        red=set(),
    )
    assert processes_at(tmp_path) == []


def test_what_always_fails_ends_the_run_red_after_its_retries(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    broken = FaultyProduct("select error('never') as id from {{ ref('first') }}", RETRY_ONCE)
    outcomes = run_everywhere(compiled_everywhere(broken, tmp_path, "broken"), airflow)
    assert_all(
        outcomes,
        state="failed",
        attempts=2,
        ran=[*PASSED_BEFORE_MIDDLE, "middle 1 began", "middle 2 began"],
        green={"first", "aside"},
        red={"middle"},
    )
    assert processes_at(tmp_path) == []


def test_a_failed_test_is_a_verdict_that_no_retry_changes(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    bad = FaultyProduct("select -id as id from {{ ref('first') }}", RETRY_ONCE)
    outcomes = run_everywhere(compiled_everywhere(bad, tmp_path, "tested"), airflow)
    assert_all(
        outcomes,
        state="failed",
        attempts=1,
        ran=[
            *PASSED_BEFORE_MIDDLE,
            "middle 1 began",
            "middle 1 passed",
            "middle_is_good ran",
            "middle_is_good 1 failed",
        ],
        green={"first", "aside", "middle"},
        red={"middle_is_good"},
    )
    assert processes_at(tmp_path) == []


def test_a_model_that_hangs_is_ended_at_the_timeout(airflow: LocalAirflow, tmp_path: Path) -> None:
    hanging = FaultyProduct(ENDLESS, "timeoutSeconds: 15")
    outcomes = run_everywhere(compiled_everywhere(hanging, tmp_path, "hanging"), airflow)
    assert_all(
        outcomes,
        state="failed",
        ran=[*PASSED_BEFORE_MIDDLE, "middle 1 began"],
        green={"first", "aside"},
        red={"middle"},
    )
    assert processes_at(tmp_path) == []
