"""Checks of how a run executes the product's steps."""

from __future__ import annotations

from floe_conformance import kit_product
from floe_conformance.checks.made_runs import FAILED_STEP, STEPS, MadeRuns, MakeRun


class StepChecks(MadeRuns):
    """Steps run in the order of the graph, and a failed step counts like any failed node.

    A plugin that runs `floe_core.execution.build` runs them. Skipped if `run` is not implemented.
    """

    def test_steps_run_before_and_after_what_dbt_builds(self, ran: MakeRun) -> None:
        """One step fills a dbt source; the other reads the last model and writes a file."""
        run = ran(STEPS)
        assert run.recorded.succeeded
        assert run.recorded.done >= kit_product.JOBS[kit_product.NAME]
        assert (run.folder / kit_product.EXPORT_FILE).is_file()

    def test_a_step_that_fails_fails_the_run_and_stops_what_follows(self, ran: MakeRun) -> None:
        """Every node that does not depend on the step is built."""
        run = ran(FAILED_STEP)
        assert not run.recorded.succeeded
        done = run.recorded.done & kit_product.JOBS[kit_product.NAME]
        assert done == kit_product.DONE_ALL_THE_SAME["model"]
        assert not (run.folder / kit_product.EXPORT_FILE).exists()
