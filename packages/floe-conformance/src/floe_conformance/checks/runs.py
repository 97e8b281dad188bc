"""What a run comes to: the failure contract, from the orchestrator's own records."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from floe_conformance import kit_product
from floe_conformance.records import RanProduct
from floe_conformance.subject import Subject

Ran = Callable[[str], RanProduct]
NOTHING = "nothing"


class RunChecks(Subject):
    """A failure is never green, stops what follows it, and nothing else.

    Skipped where `run` is not supplied.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def ran(cls, tmp_path_factory: pytest.TempPathFactory) -> Ran:
        """What fails in a run -> the run, made when it is first asked for."""

        @cache
        def run(what: str) -> RanProduct:
            changes = kit_product.FAILURES.get(what, {})
            product = cls.compile(tmp_path_factory.mktemp("run"), changes)
            assert product.project_dir is not None
            subject = cls()
            return subject.run(subject.plugin().create_definitions(product), product.project_dir)

        if cls.run is Subject.run:
            pytest.skip("run is not supplied")
        return run

    def test_a_run_in_which_nothing_fails_does_all(self, ran: Ran) -> None:
        """Every node of the product is built, or passed."""
        assert ran(NOTHING) == RanProduct(True, kit_product.JOBS[kit_product.NAME])

    @pytest.mark.parametrize("what", kit_product.FAILURES)
    def test_a_run_in_which_something_fails_has_failed(self, what: str, ran: Ran) -> None:
        """A model that the warehouse refuses; a test that finds rows."""
        assert not ran(what).succeeded

    @pytest.mark.parametrize("what", kit_product.FAILURES)
    def test_a_failure_stops_what_follows_it_and_nothing_else(self, what: str, ran: Ran) -> None:
        """What waits for it is not done; all the rest is."""
        assert ran(what).done == kit_product.DONE_ALL_THE_SAME[what]
