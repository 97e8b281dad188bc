"""Checks of which runs meet a job's deadline, and of the alert for one that was missed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from floe_conformance import kit_product
from floe_conformance.checks import alert_receiver
from floe_conformance.subject import Subject
from floe_core.alerts import green_runs, watch_deadlines_since
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

Prepare = Callable[[str], tuple[Any, CompiledArtifacts]]
EMPTY = RunParameters(empty=True)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class LatenessChecks(Subject):
    """A full run meets the deadline it ends before, an empty run none; a missed one alerts once.

    Each check is skipped if the method that it needs is not implemented.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def due(cls, tmp_path_factory: pytest.TempPathFactory) -> Prepare:
        """When the deadline is -> the definitions of a separate product with that deadline."""

        @cache
        def prepare(when: str) -> tuple[Any, CompiledArtifacts]:
            changes = kit_product.DUE[when.partition(" ")[0]]
            product = cls.compile(tmp_path_factory.mktemp("due"), changes)
            return cls().plugin().create_definitions(product), product

        return prepare

    def test_a_run_of_the_whole_job_meets_its_deadline(self, due: Prepare) -> None:
        """The run is recorded for its job, with the time at which it ended."""
        if type(self).run is Subject.run:
            pytest.skip("run is not supplied")
        definitions, product = due("later whole")
        self.run(definitions, product.folder)
        assert _wait_for_met_deadlines(product) == {kit_product.DUE_AT}

    def test_a_run_that_reads_no_rows_meets_no_deadline(self, due: Prepare) -> None:
        """A run with `empty` leaves empty tables, so it does not count."""
        if type(self).run_with is Subject.run_with:
            pytest.skip("run_with is not supplied")
        definitions, product = due("later empty")
        assert self.run_with(definitions, product.folder, EMPTY).succeeded
        assert _wait_for_met_deadlines(product) == set()

    def test_a_missed_deadline_is_reported_once(self, due: Prepare) -> None:
        """However often the orchestrator checks deadlines."""
        if type(self).check_deadlines is Subject.check_deadlines:
            pytest.skip("check_deadlines is not supplied")
        definitions, product = due("passed")
        watch_deadlines_since(product, LONG_AGO)
        for _ in range(2):
            self.check_deadlines(definitions, product.folder)
        titles = alert_receiver.receive_alerts(product, is_expected=True)
        assert titles == [f"{kit_product.NAME}: deadline missed"]


def _wait_for_met_deadlines(product: CompiledArtifacts) -> frozenset[datetime]:
    """Return the deadlines that runs have met, waiting for the end of the run to be recorded."""
    deadline = time.monotonic() + alert_receiver.PATIENCE_SECONDS / 2
    while not (met := green_runs(product, kit_product.NAME).met) and time.monotonic() < deadline:
        time.sleep(0.2)
    return met
