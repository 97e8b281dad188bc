"""What becomes of the steps of a product in a run."""

from __future__ import annotations

from floe_conformance import kit_product
from floe_conformance.checks.made_runs import FAILED_STEP, STEPS, MadeRuns, MakeRun


class StepChecks(MadeRuns):
    """Steps run in the order of the graph, and a failure of one is that of any node.

    Whoever runs `floe_core.execution.build` runs them. Skipped where `run` is not supplied.
    """

    def test_steps_run_before_and_after_what_dbt_builds(self, ran: MakeRun) -> None:
        """One fills a dbt source, one reads the last model and leaves a file."""
        run = ran(STEPS)
        assert run.recorded.succeeded
        assert run.recorded.done >= kit_product.JOBS[kit_product.NAME]
        assert (run.folder / kit_product.EXPORT_FILE).is_file()

    def test_a_step_that_fails_fails_the_run_and_stops_what_follows(self, ran: MakeRun) -> None:
        """All else is built."""
        run = ran(FAILED_STEP)
        assert not run.recorded.succeeded
        done = run.recorded.done & kit_product.JOBS[kit_product.NAME]
        assert done == kit_product.DONE_ALL_THE_SAME["model"]
        assert not (run.folder / kit_product.EXPORT_FILE).exists()
