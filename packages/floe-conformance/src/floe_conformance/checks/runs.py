"""What a run comes to: the failure contract, from the orchestrator's own records."""

from __future__ import annotations

import pytest

from floe_conformance import kit_product
from floe_conformance.checks.made_runs import FIRST_TRY, NOTHING, MadeRuns, MakeRun
from floe_conformance.records import RanProduct

_ALL = RanProduct(True, kit_product.JOBS[kit_product.NAME])


class RunChecks(MadeRuns):
    """A failure is never green, stops what follows it, and nothing else; a retry fixes it.

    Skipped where `run` is not supplied.
    """

    def test_a_run_in_which_nothing_fails_does_all(self, ran: MakeRun) -> None:
        """Every node of the product is built, or passed."""
        assert ran(NOTHING).recorded == _ALL

    @pytest.mark.parametrize("what", kit_product.FAILURES)
    def test_a_run_in_which_something_fails_has_failed(self, what: str, ran: MakeRun) -> None:
        """A model that the warehouse refuses; a test that finds rows; a build that hangs."""
        assert not ran(what).recorded.succeeded

    @pytest.mark.parametrize("what", kit_product.FAILURES)
    def test_a_failure_stops_what_follows_it_and_nothing_else(
        self, what: str, ran: MakeRun
    ) -> None:
        """What waits for it is not done; all the rest is."""
        assert ran(what).recorded.done == kit_product.DONE_ALL_THE_SAME[what]

    def test_what_fails_at_its_first_try_is_tried_again(self, ran: MakeRun) -> None:
        """As often as floe.yaml's `retries` says, in the same run."""
        assert ran(FIRST_TRY).recorded == _ALL

    def test_a_retry_builds_nothing_that_had_passed(self, ran: MakeRun) -> None:
        """The warehouse tells how often each model was begun."""
        begun = ran(FIRST_TRY).begun()
        assert {model: n for model, n in begun.items() if n > kit_product.BEGUN[model]} == {}
