"""Checks of a run that a user cancels."""

from __future__ import annotations

from floe_conformance import kit_product
from floe_conformance.checks.made_runs import MadeRun, MadeRuns


class CanceledRunChecks(MadeRuns):
    """A canceled run ends at once, is not green, and reports the nodes that it aborted.

    Skipped if `run_and_cancel` is not implemented.
    """

    def test_a_run_that_is_canceled_is_not_green(self, canceled: MadeRun) -> None:
        """Neither are the node that hung and the nodes downstream of it."""
        may_be_done = kit_product.DONE_ALL_THE_SAME["time"]
        done_for_all_that = canceled.recorded.done - may_be_done
        assert (canceled.recorded.succeeded, done_for_all_that) == (False, frozenset())

    def test_a_run_that_is_canceled_leaves_no_process(self, canceled: MadeRun) -> None:
        """No process still has the warehouse open."""
        assert not canceled.holds_the_warehouse()

    def test_a_run_that_is_canceled_is_reported_as_aborted(self, canceled: MadeRun) -> None:
        """The run, the node that hung and its descendants each emit START, then ABORT."""
        types: dict[str, list[str]] = {}
        for event in canceled.events(kit_product.NAME):
            types.setdefault(event["job"]["name"], []).append(event["eventType"])
        assert {job: types.get(job) for job in kit_product.ABORTED} == {
            job: ["START", end] for job, end in kit_product.ABORTED.items()
        }
