"""Plugins broken in what meets a deadline, and in who is told of a missed one."""

from __future__ import annotations

from dataclasses import replace

from paper_orchestrator import NO_PARAMETERS, PaperPage, PaperPlugin

from floe_core.alerts import RunOutcome, report_run
from floe_core.execution import BuildRequest
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class ReportsRunsOfNoJob(PaperPlugin):
    """So that none counts for the job whose deadline it is."""

    is_run = True
    caught_by = "test_a_run_of_the_whole_job_meets_its_deadline"

    def build(self, artifacts: CompiledArtifacts, request: BuildRequest, page: PaperPage) -> None:
        has_deadline = any(job.deadline for job in artifacts.jobs)
        super().build(artifacts, replace(request, sends_alerts=not has_deadline), page)
        if has_deadline:
            report_run(artifacts, RunOutcome("", request.run_id, page.is_green))


class ReportsRunsWithoutTheirParameters(PaperPlugin):
    """As one does whose callback looks at the verdict of a run alone."""

    is_run = True
    caught_by = "test_a_run_that_reads_no_rows_meets_no_deadline"

    def run(
        self, artifacts: CompiledArtifacts, parameters: RunParameters = NO_PARAMETERS
    ) -> PaperPage:
        page = super().run(artifacts, parameters)
        if parameters.empty and not parameters.full_refresh:
            report_run(artifacts, RunOutcome(artifacts.product.name, "paper-end", True))
        return page


class NeverLooksAtTheClock(PaperPlugin):
    is_run = True
    caught_by = "test_a_missed_deadline_is_reported_once"

    def look_at_the_clock(self, artifacts: CompiledArtifacts) -> None:
        pass


class TellsOfLatenessByItself(PaperPlugin):
    """Beside floe, and so at each look."""

    is_run = True
    caught_by = "test_a_missed_deadline_is_reported_once"

    def look_at_the_clock(self, artifacts: CompiledArtifacts) -> None:
        (artifacts.folder / ".floe" / "alerts" / "told").mkdir(exist_ok=True)
        super().look_at_the_clock(artifacts)
        for told in (artifacts.folder / ".floe" / "alerts" / "told").iterdir():
            told.unlink()
        for spooled in (artifacts.folder / ".floe" / "alerts").glob("targets/*/spool/*.json"):
            spooled.rename(spooled.with_stem(f"{spooled.stem}0"))
