"""What a stale source does to a run."""

from __future__ import annotations

from floe_conformance import kit_product
from floe_conformance.checks.made_runs import STALE_GATE, STALE_REPORT, MadeRuns, MakeRun


class FreshnessChecks(MadeRuns):
    """A stale source holds back what reads it (`gate`), or warns (`report`).

    Whoever runs `floe_core.execution.build` has both. Skipped where `run` is not supplied.
    """

    def test_a_stale_source_holds_back_what_reads_it(self, ran: MakeRun) -> None:
        """The run has failed, and all else is built."""
        recorded = ran(STALE_GATE).recorded
        done = recorded.done & kit_product.JOBS[kit_product.NAME]
        assert (recorded.succeeded, done) == (False, kit_product.DONE_ALL_THE_SAME["model"])

    def test_a_stale_source_that_is_only_reported_holds_back_nothing(self, ran: MakeRun) -> None:
        """A warning is no failure."""
        recorded = ran(STALE_REPORT).recorded
        done = recorded.done & kit_product.JOBS[kit_product.NAME]
        assert (recorded.succeeded, done) == (True, kit_product.JOBS[kit_product.NAME])
