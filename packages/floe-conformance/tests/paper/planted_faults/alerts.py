"""Plugins broken in whom their runs alert."""

from __future__ import annotations

from dataclasses import replace

from paper_orchestrator import PaperPage, PaperPlugin

from floe_core.alerts import RunOutcome, report_run
from floe_core.execution import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class KeepsFailuresToItself(PaperPlugin):
    """It says that it reports the ends of runs, and reports those that succeed alone."""

    is_run = True
    caught_by = "test_a_failed_run_alerts_once"

    def build(self, artifacts: CompiledArtifacts, request: BuildRequest, page: PaperPage) -> None:
        # What meets a deadline is another check's.
        is_saved = artifacts.retries > 0 or any(job.deadline for job in artifacts.jobs)
        super().build(artifacts, replace(request, sends_alerts=is_saved), page)


class AlertsOfEachTry(PaperPlugin):
    is_run = True
    caught_by = "test_a_run_that_a_retry_saved_warns_once"

    def build(self, artifacts: CompiledArtifacts, request: BuildRequest, page: PaperPage) -> None:
        super().build(artifacts, request, page)
        if artifacts.retries and not page.is_green:
            tried = RunOutcome(request.job, f"{request.run_id}-{request.attempt}", False)
            report_run(artifacts, tried)


class AlertsOfEveryRun(PaperPlugin):
    is_run = True
    caught_by = "test_a_run_in_which_nothing_fails_alerts_nobody"

    def closed(self, page: PaperPage) -> PaperPage:
        if self.defined is not None and page.is_green and page.tries == 1:
            told = RunOutcome(self.defined.product.name, "paper-run", False)
            report_run(self.defined, told)
        return super().closed(page)
