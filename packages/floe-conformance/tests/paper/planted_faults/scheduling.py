"""Plugins broken in the schedules that they are told."""

from __future__ import annotations

from paper_orchestrator import PaperPlugin

from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class ForgetsASchedule(PaperPlugin):
    """Takes schedules of its own plugin object only."""

    caught_by = "test_a_schedule_that_was_set_is_there_at_the_next_load"

    def live(self, artifacts: CompiledArtifacts) -> CompiledArtifacts:
        return artifacts


class TakesAnyCron(PaperPlugin):
    caught_by = "test_a_bad_cron_expression_is_refused"

    def schedule_job(self, job_name: str, cron: str, timezone: str) -> None:
        super().schedule_job(job_name, "15 3 * * *", timezone)


class TakesAnyZone(PaperPlugin):
    caught_by = "test_a_bad_time_zone_is_refused"

    def schedule_job(self, job_name: str, cron: str, timezone: str) -> None:
        super().schedule_job(job_name, cron, "Asia/Tokyo")


class RefusesWithoutAReason(PaperPlugin):
    caught_by = "test_an_unknown_job_is_refused_with_those_there_are"

    def schedule_job(self, job_name: str, cron: str, timezone: str) -> None:
        if job_name == "nightlyy":
            raise ValueError("no such job")
        super().schedule_job(job_name, cron, timezone)
