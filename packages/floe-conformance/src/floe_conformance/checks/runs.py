"""Checks of how a run ends, from the orchestrator's own records.

Runs in which nodes, steps or sources fail, runs with parameters, and runs that a user cancels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from floe_conformance import kit_product
from floe_conformance.checks.made_runs import (
    FAILED_STEP,
    FIRST_TRY,
    NOTHING,
    STALE_GATE,
    STALE_REPORT,
    STEPS,
    MadeRun,
    MadeRuns,
    MakeRun,
)
from floe_conformance.records import RanProduct
from floe_conformance.subject import Subject
from floe_core.runs.run_parameters import RunParameters

RunWith = Callable[[RunParameters, bool], RanProduct]

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


class RunParameterChecks(MadeRuns):
    """Run parameters have the effect that they have in `dbt build`.

    Skipped if `run_with` is not implemented.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def ran_with(cls, tmp_path_factory: pytest.TempPathFactory) -> RunWith:
        """(Parameters, whether the product fails without them) -> what was recorded."""
        if cls.run_with is Subject.run_with:
            pytest.skip("run_with is not supplied")

        @cache
        def prepare(needs_them: bool) -> tuple[Any, Path]:
            changes = kit_product.NEEDS_PARAMETERS if needs_them else {}
            product = cls.compile(tmp_path_factory.mktemp("run"), changes)
            definitions = cls().plugin().create_definitions(product)
            # A run of a part of the product reads tables that this run builds.
            if not needs_them:
                cls().run(definitions, product.folder)
            return definitions, product.folder

        def run(parameters: RunParameters, needs_them: bool) -> RanProduct:
            return cls().run_with(*prepare(needs_them), parameters)

        return run

    @pytest.mark.parametrize(
        ("parameters", "nodes"), kit_product.SELECTIONS, ids=("select", "exclude", "types")
    )
    def test_a_run_builds_what_its_parameters_select(
        self, parameters: RunParameters, nodes: frozenset[str], ran_with: RunWith
    ) -> None:
        """Selected by dbt's selection syntax or by resource type; no other node is built."""
        assert ran_with(parameters, False) == RanProduct(True, nodes)

    def test_flags_and_vars_of_a_run_reach_dbt(self, ran_with: RunWith) -> None:
        """A model that fails without `full_refresh`, `empty` and a var is built."""
        ran = ran_with(kit_product.GIVEN_PARAMETERS, True)
        assert ran == RanProduct(True, kit_product.JOBS[kit_product.NAME])
