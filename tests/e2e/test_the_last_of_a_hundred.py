"""The last of a hundred models fails at first: its retry runs one model, on every side."""

from __future__ import annotations

from pathlib import Path

import pytest
from everywhere import DAGSTER, NODE, SIDES, compiled_everywhere, run_everywhere
from faulty_product import AFTER, FaultyProduct, at_first_try

from floe_orchestrator_airflow.local.service import LocalAirflow

MORE = [f"m_{number:02}" for number in range(96)]
BELOW_ALL = "\n".join(f"-- depends_on: {{{{ ref('{name}') }}}}" for name in (*MORE, "aside"))
LAST = at_first_try("select error('not yet') as id")
PASSED_BEFORE = ["first", "middle", "aside", *MORE]


@pytest.mark.slow
def test_a_retry_after_the_last_of_a_hundred_models_failed_runs_one(tmp_path: Path) -> None:
    hundred = FaultyProduct(
        AFTER.format("first"),
        "retries: 1, retryDelaySeconds: 1",
        models={
            **dict.fromkeys(MORE, AFTER.format("middle")),
            "last": f"{BELOW_ALL}\n{LAST}",
        },
    )
    products = compiled_everywhere(hundred, tmp_path, "hundred")
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
