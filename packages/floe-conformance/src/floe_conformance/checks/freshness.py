"""Checks of the effect of a stale source on a run."""

from __future__ import annotations

from floe_conformance import kit_product
from floe_conformance.checks.made_runs import STALE_GATE, STALE_REPORT, MadeRuns, MakeRun


class FreshnessChecks(MadeRuns):
    """A stale source blocks the nodes that read it (`gate`), or only warns (`report`).

    A plugin that runs `floe_core.execution.build` gets both. Skipped if `run` is not implemented.
    """

    def test_a_stale_source_holds_back_what_reads_it(self, ran: MakeRun) -> None:
        """The run fails, and every node that does not depend on the source is built."""
        recorded = ran(STALE_GATE).recorded
        done = recorded.done & kit_product.JOBS[kit_product.NAME]
        assert (recorded.succeeded, done) == (False, kit_product.DONE_ALL_THE_SAME["model"])

    def test_a_stale_source_that_is_only_reported_holds_back_nothing(self, ran: MakeRun) -> None:
        """A warning is not a failure: the run succeeds, and every node is built."""
        recorded = ran(STALE_REPORT).recorded
        done = recorded.done & kit_product.JOBS[kit_product.NAME]
        assert (recorded.succeeded, done) == (True, kit_product.JOBS[kit_product.NAME])
