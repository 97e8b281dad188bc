from __future__ import annotations

from pathlib import Path

from dagster_pages import LAUNCH_AT_ONCE, TERMINATE, asked, end_of_run, launched, webserver
from everywhere import dagster_outcome, wait_for_middle
from faulty_product import ENDLESS, STOPPED_IN_MIDDLE, FaultyProduct

from floe_core.plugin_api.powers import RunReport


def test_a_run_that_is_terminated_there_is_canceled_and_not_retried(tmp_path: Path) -> None:
    endless = FaultyProduct(ENDLESS, "retries: 1, retryDelaySeconds: 1")
    product = endless.compiled(tmp_path / "shop", "terminated", "dagster", "")
    with webserver(product, LAUNCH_AT_ONCE) as url:
        run_id = launched(url, "terminated", "terminated")["runId"]
        wait_for_middle(product)
        answer = asked(url, TERMINATE, {"id": run_id})["terminateRun"]
        assert answer == {"__typename": "TerminateRunSuccess"}
        status = end_of_run(product, run_id)
    outcome = dagster_outcome(product, RunReport("canceled", run_id, 0.0, {}, ""))
    assert (status, outcome.state, outcome.attempts) == ("CANCELED", "canceled", 1)
    assert (outcome.green, outcome.left) == ({"first", "aside"}, [])
    assert outcome.ran == STOPPED_IN_MIDDLE
