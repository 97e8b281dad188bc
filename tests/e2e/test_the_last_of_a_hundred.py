"""The last of a hundred models fails at first: its retry runs one model, on every side."""

from __future__ import annotations

from pathlib import Path

import pytest
from everywhere import DAGSTER, NODE, SIDES, compiled_everywhere, run_everywhere
from further_faults import MORE, a_hundred

from floe_orchestrator_airflow.local.service import LocalAirflow

PASSED_BEFORE = ["first", "middle", "aside", *MORE]


@pytest.mark.slow
def test_a_retry_after_the_last_of_a_hundred_models_failed_runs_one(tmp_path: Path) -> None:
    products = compiled_everywhere(a_hundred(), tmp_path, "hundred")
    with LocalAirflow(tmp_path / "airflow") as airflow:
        outcomes = run_everywhere(products, airflow)

    once = [f"{name} 1 {what}" for name in PASSED_BEFORE for what in ("began", "passed")]
    twice = ["last 1 began", "last 2 began", "last 2 passed"]
    ran = sorted([*once, *twice, "middle_is_good ran"])
    assert {side: outcome.ran for side, outcome in outcomes.items()} == dict.fromkeys(SIDES, ran)
    for side, outcome in outcomes.items():
        assert (outcome.state, outcome.report, outcome.attempts) == ("success", "success", 2), side
        assert outcome.left == [], side
    green = {*PASSED_BEFORE, "last", "middle_is_good"}
    assert outcomes[DAGSTER].green == outcomes[NODE].green == green
