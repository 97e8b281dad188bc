"""Plugins broken in what they know of runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from paper_orchestrator import PaperPlugin

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.run_history import NodesOfRun, RecordedRun
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class VouchesForRunsItCannotSee(PaperPlugin):
    caught_by = "test_runs_of_a_bad_service_are_an_error"

    def recent_runs(
        self,
        products: Sequence[CompiledArtifacts],
        since: datetime | None,
        most: int,
        seconds: float,
    ) -> Sequence[RecordedRun]:
        try:
            return super().recent_runs(products, since, most, seconds)
        except EnvironmentProblemError:
            return []


class VouchesForNodesItCannotSee(PaperPlugin):
    caught_by = "test_runs_of_a_bad_service_are_an_error"

    def nodes_of_run(
        self, product: CompiledArtifacts, run: RecordedRun, seconds: float
    ) -> NodesOfRun:
        try:
            return super().nodes_of_run(product, run, seconds)
        except EnvironmentProblemError:
            return NodesOfRun()


class ShowsTheAddressOfRuns(PaperPlugin):
    """In time, on a machine that is busy: it is the answer that is shown with it."""

    caught_by = "test_no_secret_is_shown_where_runs_are_asked_for"

    def ask_for_runs(self, seconds: float) -> None:
        super().ask_for_runs(3)

    def no_runs(self, url: str) -> str:
        return f"{url} has no runs; set url"
