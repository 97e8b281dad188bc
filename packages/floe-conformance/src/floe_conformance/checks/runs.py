"""Checks of how a run ends, including after failures, from the orchestrator's own records."""

from __future__ import annotations

import pytest

from floe_conformance import kit_product
from floe_conformance.checks.made_runs import FIRST_TRY, NOTHING, MadeRuns, MakeRun
from floe_conformance.records import RanProduct

_ALL = RanProduct(True, kit_product.JOBS[kit_product.NAME])


class RunChecks(MadeRuns):
    """A failed run is never green; a failure stops only its descendants; a retry can fix it.

    Skipped if `run` is not implemented.
    """

    def test_a_run_in_which_nothing_fails_does_all(self, ran: MakeRun) -> None:
        """Every node of the product is built or, if it is a test, passes."""
        assert ran(NOTHING).recorded == _ALL

    @pytest.mark.parametrize("what", kit_product.FAILURES)
    def test_a_run_in_which_something_fails_has_failed(self, what: str, ran: MakeRun) -> None:
        """Whether the warehouse rejects a model, a test finds rows, or a build hangs."""
        assert not ran(what).recorded.succeeded

    @pytest.mark.parametrize("what", kit_product.FAILURES)
    def test_a_failure_stops_what_follows_it_and_nothing_else(
        self, what: str, ran: MakeRun
    ) -> None:
        """The nodes downstream of the failure are not done; all others are."""
        assert ran(what).recorded.done == kit_product.DONE_ALL_THE_SAME[what]

    def test_what_fails_at_its_first_try_is_tried_again(self, ran: MakeRun) -> None:
        """It is retried within the same run, as often as `retries` in floe.yaml allows."""
        assert ran(FIRST_TRY).recorded == _ALL

    def test_a_retry_builds_nothing_that_had_passed(self, ran: MakeRun) -> None:
        """The product's models record in the warehouse how often each was begun."""
        begun = ran(FIRST_TRY).count_builds()
        assert {model: n for model, n in begun.items() if n > kit_product.BEGUN[model]} == {}
