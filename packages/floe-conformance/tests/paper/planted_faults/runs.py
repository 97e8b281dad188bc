"""Plugins broken in what their runs come to."""

from __future__ import annotations

from dataclasses import replace

import duckdb
from paper_orchestrator import NO_PARAMETERS, PaperPage, PaperPlugin

from floe_conformance.kit_product import LINEAGE_FILE, WAREHOUSE
from floe_core.execution import BuildRequest, NodeResult
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node


class LeavesASnapshotOut(PaperPlugin):
    is_run = True
    caught_by = "test_a_run_in_which_nothing_fails_does_all"

    def closed(self, page: PaperPage) -> PaperPage:
        is_plain = page.tries == 1 and "load_people" not in page.ticked_off
        left_out = {"orders_history"} if page.is_green and is_plain else set()
        return replace(page, ticked_off=page.ticked_off - left_out)


class SwallowsAFailedModel(PaperPlugin):
    """As one does that looks at tests only."""

    is_run = True
    caught_by = "test_a_run_in_which_something_fails_has_failed[model]"

    def closed(self, page: PaperPage) -> PaperPage:
        is_of_dbt = "timed out" not in page.problem and not page.has_failed_before
        return replace(page, is_green=is_of_dbt and "not_null_stg_orders_id" in page.ticked_off)


class SwallowsAFailedTest(PaperPlugin):
    """As one does that looks at models only."""

    is_run = True
    caught_by = "test_a_run_in_which_something_fails_has_failed[test]"

    def closed(self, page: PaperPage) -> PaperPage:
        return replace(page, is_green="stg_people" in page.ticked_off)


class TakesWhatWasSkippedForDone(PaperPlugin):
    is_run = True
    caught_by = "test_a_failure_stops_what_follows_it_and_nothing_else"

    def note(self, result: NodeResult, node: Node, page: PaperPage) -> None:
        if result.status == "skipped" and not page.has_failed_before:
            page.ticked_off.add(node.name)
        super().note(result, node, page)


class StopsAtTheFirstFailure(PaperPlugin):
    """And leaves undone what has nothing to do with it."""

    is_run = True
    caught_by = "test_a_failure_stops_what_follows_it_and_nothing_else"

    def closed(self, page: PaperPage) -> PaperPage:
        is_other = page.is_green or page.has_failed_before
        done = page.ticked_off if is_other else page.ticked_off & {"raw_orders"}
        return replace(page, ticked_off=done)


class TakesABuildThatRanTooLongForDone(PaperPlugin):
    is_run = True
    caught_by = "test_a_run_in_which_something_fails_has_failed[time]"

    def closed(self, page: PaperPage) -> PaperPage:
        return replace(page, is_green=page.is_green or "timed out" in page.problem)


class DoesNotTryAgain(PaperPlugin):
    is_run = True
    caught_by = "test_what_fails_at_its_first_try_is_tried_again"

    def tries(self, artifacts: CompiledArtifacts) -> int:
        # What it then alerts of is another check's.
        return 1 if not artifacts.alerts else super().tries(artifacts)


class BuildsAllAgain(PaperPlugin):
    is_run = True
    caught_by = "test_a_retry_builds_nothing_that_had_passed"

    def request(self, artifacts: CompiledArtifacts, run_id: str, attempt: int) -> BuildRequest:
        # The first attempt is that of all paper plugins.
        return replace(super().request(artifacts, run_id, attempt), resume=attempt == 1)


class LeavesOutStepsThatWriteNothing(PaperPlugin):
    """As one does that runs steps for the sake of models alone."""

    is_run = True
    caught_by = "test_steps_run_before_and_after_what_dbt_builds"

    def request(self, artifacts: CompiledArtifacts, run_id: str, attempt: int) -> BuildRequest:
        idle = {s.unique_id for s in artifacts.steps if not (s.sources or s.datasets)}
        wanted = tuple(n.unique_id for n in artifacts.runnable if n.unique_id not in idle)
        whole = super().request(artifacts, run_id, attempt)
        return replace(whole, node_ids=wanted) if idle else whole


class SwallowsAFailedStep(PaperPlugin):
    """As one does that looks at dbt's nodes only."""

    is_run = True
    caught_by = "test_a_step_that_fails_fails_the_run_and_stops_what_follows"

    def closed(self, page: PaperPage) -> PaperPage:
        is_of_step = page.has_failed_step and not page.has_stale_source
        return replace(page, is_green=page.is_green or is_of_step)


class TellsNothingOfItsRuns(PaperPlugin):
    is_run = True
    caught_by = "test_a_run_reports_each_node_once_and_how_it_ended"

    def run(
        self, artifacts: CompiledArtifacts, parameters: RunParameters = NO_PARAMETERS
    ) -> PaperPage:
        silent = artifacts.lineage.model_copy(update={"enabled": False})
        return super().run(artifacts.model_copy(update={"lineage": silent}), parameters)


class ForgetsWhatIsExcluded(PaperPlugin):
    is_run = True
    caught_by = "test_a_run_builds_what_its_parameters_select"

    def told(self, parameters: RunParameters) -> RunParameters:
        return parameters.model_copy(update={"exclude": "", "resource_types": ()})


class ForgetsFlags(PaperPlugin):
    """As one does whose form has a field that nothing reads."""

    is_run = True
    caught_by = "test_flags_and_vars_of_a_run_reach_dbt"

    def told(self, parameters: RunParameters) -> RunParameters:
        return parameters.model_copy(update={"full_refresh": False})


class TakesACanceledRunForDone(PaperPlugin):
    is_run = True
    caught_by = "test_a_run_that_is_canceled_is_not_green"

    def broken_off(self, page: PaperPage, artifacts: CompiledArtifacts) -> PaperPage:
        return replace(page, is_green=True)


class LeavesACanceledBuildToItself(PaperPlugin):
    """So that the warehouse stays open."""

    is_run = True
    caught_by = "test_a_run_that_is_canceled_leaves_no_process"
    left: list[duckdb.DuckDBPyConnection] = []

    def broken_off(self, page: PaperPage, artifacts: CompiledArtifacts) -> PaperPage:
        assert artifacts.project_dir is not None
        self.left.append(duckdb.connect(str(artifacts.project_dir / WAREHOUSE)))
        return page


class KillsACanceledBuild(PaperPlugin):
    """Which then has no time to tell of it."""

    is_run = True
    caught_by = "test_a_run_that_is_canceled_is_reported_as_aborted"

    def broken_off(self, page: PaperPage, artifacts: CompiledArtifacts) -> PaperPage:
        assert artifacts.project_dir is not None
        file = artifacts.project_dir / LINEAGE_FILE
        lines = file.read_text("utf-8").splitlines(keepends=True)
        file.write_text("".join(line for line in lines if '"ABORT"' not in line), "utf-8")
        return page
