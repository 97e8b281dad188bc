"""Checks that a run sends the right alerts, each once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from floe_conformance import kit_product
from floe_conformance.checks.alert_receiver import receive_alerts
from floe_conformance.subject import Subject

AlertsOf = Callable[[str], list[str]]


class AlertChecks(Subject):
    """A failed run alerts once, one that succeeded on a retry warns once, a green run not at all.

    There is no receiver while the orchestrator runs the product; the alerts that it wrote are
    sent afterwards. Skipped if `run` is not implemented.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def alerts_of(cls, tmp_path_factory: pytest.TempPathFactory) -> AlertsOf:
        """What fails in a run -> the titles of its alerts."""

        @cache
        def run_and_receive(what: str) -> list[str]:
            product = cls.compile(tmp_path_factory.mktemp("alerts"), kit_product.ALERTING[what])
            subject = cls()
            subject.run(subject.plugin().create_definitions(product), product.folder)
            return receive_alerts(product, is_expected=what != "nothing")

        if cls.run is Subject.run:
            pytest.skip("run is not supplied")
        return run_and_receive

    def test_a_failed_run_alerts_once(self, alerts_of: AlertsOf) -> None:
        """However many tasks it has, and whichever part of the orchestrator handles its end."""
        assert alerts_of("model") == [f"{kit_product.NAME}: run failed"]

    def test_a_run_that_a_retry_saved_warns_once(self, alerts_of: AlertsOf) -> None:
        """A failed attempt that is retried is not the end of the run, so it must not alert."""
        assert alerts_of("first try") == [f"{kit_product.NAME}: run succeeded with warnings"]

    def test_a_run_in_which_nothing_fails_alerts_nobody(self, alerts_of: AlertsOf) -> None:
        """No alert is sent at all."""
        assert alerts_of("nothing") == []
