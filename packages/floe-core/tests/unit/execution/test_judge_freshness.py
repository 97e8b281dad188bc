"""What dbt measured of a source, as a status of floe's."""

from __future__ import annotations

import pytest

from floe_core.execution.freshness_run import judge_freshness

LIMITS = {name: {"count": 1, "period": "day"} for name in ("warn_after", "error_after")}


@pytest.mark.parametrize(
    ("word", "as_gate", "as_report"),
    [
        ("pass", "pass", "pass"),
        ("warn", "warn", "warn"),
        ("error", "fail", "warn"),
        ("runtime error", "error", "warn"),
        # As dbt 2 writes them to sources.json.
        ("Pass", "pass", "pass"),
        ("Warn", "warn", "warn"),
        ("Error", "fail", "warn"),
        ("no word of any dbt", "error", "warn"),
    ],
)
def test_a_word_of_any_dbt_is_judged(word: str, as_gate: str, as_report: str) -> None:
    measured = {"status": word, "criteria": LIMITS, "max_loaded_at_time_ago_in_s": 7_200.0}
    judged = [judge_freshness(measured, is_gate=is_gate)[0] for is_gate in (True, False)]
    assert judged == [as_gate, as_report]
