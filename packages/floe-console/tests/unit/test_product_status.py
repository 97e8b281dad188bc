from __future__ import annotations

from datetime import UTC, datetime, timedelta

from floe_console.data.product_status import LateJob, status_of
from floe_console.data.run_book import ListedRun
from floe_console.mesh import ProductState
from floe_core.plugin_api.run_history import RecordedRun, RunState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHOP = ProductState("shop")


def runs(*states: RunState, job: str = "shop") -> list[ListedRun]:
    """Runs of one job, newest first."""
    return [
        ListedRun("dagster", RecordedRun("shop", job, f"{job}{n}", state, NOW - timedelta(hours=n)))
        for n, state in enumerate(states)
    ]


def test_the_last_run_of_each_job_counts() -> None:
    assert status_of(SHOP, runs("success", "failed"), [], "")[0] == "ok"
    both = [*runs("success"), *runs("failed", "success", job="hourly")]
    assert status_of(SHOP, both, [], "") == ("failed", "the last run of hourly failed")


def test_a_run_under_way_does_not_hide_that_the_one_before_failed() -> None:
    assert status_of(SHOP, runs("running", "failed"), [], "")[0] == "failed"
    assert status_of(SHOP, runs("running", "success"), [], "")[0] == "running"


def test_what_cannot_be_read_is_never_good() -> None:
    status, why = status_of(SHOP, runs("success"), [], "no answer")
    assert (status, why) == ("unknown", "no answer")
    status, why = status_of(SHOP, runs("failed"), [], "no answer")
    assert (status, why) == ("unknown", "no answer; when last read, shop had failed")


def test_a_canceled_run_is_no_failure() -> None:
    assert status_of(SHOP, runs("canceled", "success"), [], "")[0] == "ok"


def test_late_is_worse_than_running() -> None:
    late = [LateJob("shop", NOW)]
    assert status_of(SHOP, runs("running"), late, "") == ("late", "shop missed its deadline")


def test_without_runs_or_publication() -> None:
    assert status_of(SHOP, [], [], "")[0] == "new"
    gone = ProductState("shop", "not published")
    assert status_of(gone, [], [], "") == ("unpublished", "not published")
