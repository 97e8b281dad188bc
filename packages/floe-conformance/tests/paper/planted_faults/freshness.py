"""Plugins broken in what a stale source does to their runs."""

from __future__ import annotations

from dataclasses import replace

from paper_orchestrator import PaperPage, PaperPlugin

from floe_core.execution import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class SwallowsAStaleSource(PaperPlugin):
    """As one does that looks at models, tests and steps only."""

    is_run = True
    caught_by = "test_a_stale_source_holds_back_what_reads_it"

    def closed(self, page: PaperPage) -> PaperPage:
        return replace(page, is_green=page.is_green or page.has_stale_source)


class TakesAWarningOfASourceForAFailure(PaperPlugin):
    is_run = True
    caught_by = "test_a_stale_source_that_is_only_reported_holds_back_nothing"

    def build(self, artifacts: CompiledArtifacts, request: BuildRequest, page: PaperPage) -> None:
        super().build(artifacts, request, page)
        page.is_green &= artifacts.execution.freshness != "report"
