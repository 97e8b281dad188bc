"""Plugins broken in what their runs reuse."""

from __future__ import annotations

from dataclasses import replace

from paper_orchestrator import PaperPage, PaperPlugin

from floe_core.execution import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class BuildsWhatStands(PaperPlugin):
    """As one does that takes each run for one that somebody asked to build it all."""

    is_run = True
    caught_by = "test_a_run_without_news_builds_nothing_and_is_green"

    def request(self, artifacts: CompiledArtifacts, run_id: str, attempt: int) -> BuildRequest:
        # As it is for products without reuse, whose builds are those of all paper plugins.
        is_allowed = artifacts.execution.reuse == "off"
        return replace(super().request(artifacts, run_id, attempt), may_reuse=is_allowed)


class TakesReusedForNotBuilt(PaperPlugin):
    """As one does that calls a run red in which a node was not built."""

    is_run = True
    caught_by = "test_a_run_without_news_builds_nothing_and_is_green"

    def closed(self, page: PaperPage) -> PaperPage:
        return replace(page, is_green=page.is_green and not page.has_reused)


class BuildsOnceOnly(PaperPlugin):
    """As one does that takes a product for done once it was built."""

    is_run = True
    caught_by = "test_what_a_step_wrote_anew_is_built_and_all_that_reads_it"

    def build(self, artifacts: CompiledArtifacts, request: BuildRequest, page: PaperPage) -> None:
        if self.runs > 1 and artifacts.execution.reuse == "unchanged":
            page.is_green = True
        else:
            super().build(artifacts, request, page)
