"""Plugins that load other jobs or other ticks than the product's."""

from __future__ import annotations

from paper_orchestrator import PaperJob, PaperPlugin

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job


class BuildsEverythingInEachJob(PaperPlugin):
    caught_by = "test_each_job_builds_its_own_nodes"

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        made.tasks = {node.name for node in artifacts.runnable}
        return made


class LeavesTestsOutOfJobs(PaperPlugin):
    caught_by = "test_each_job_builds_its_own_nodes"

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        made.tasks = {node.name for node in artifacts.nodes_of(job) if not node.is_test}
        return made


class LosesAJob(PaperPlugin):
    caught_by = "test_each_job_builds_its_own_nodes"

    def has(self, job: Job) -> bool:
        return job.name != "nightly"


class LosesASchedule(PaperPlugin):
    caught_by = "test_each_schedule_ticks_in_its_zone"

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        return PaperJob(made.tasks) if job.name == "nightly" else made


class TicksInUtc(PaperPlugin):
    """The winter's UTC time of each zone, as if clocks never changed."""

    caught_by = "test_each_schedule_ticks_in_its_zone"
    in_utc = {"30 6 * * *": "30 6 * * *", "15 9 * * 1-5": "15 14 * * 1-5"}

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        if made.cron in self.in_utc:
            made.cron, made.timezone = self.in_utc[made.cron], "UTC"
        return made


class TicksInAnotherZone(PaperPlugin):
    caught_by = "test_each_schedule_ticks_in_its_zone"

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        made.timezone = made.timezone.replace("America/New_York", "America/Chicago")
        return made


class TicksAtWeekends(PaperPlugin):
    caught_by = "test_each_schedule_ticks_in_its_zone"

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        made.cron = made.cron.replace("1-5", "*")
        return made


class NeverCatchesUp(PaperPlugin):
    caught_by = "test_only_a_schedule_with_catchup_runs_every_tick"

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        made.catches_up = False
        return made


class CatchesUpWithEachJob(PaperPlugin):
    caught_by = "test_only_a_schedule_with_catchup_runs_every_tick"

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        made.catches_up = True
        return made


class StartsWhatIsPaused(PaperPlugin):
    caught_by = "test_a_schedule_that_is_not_enabled_starts_nothing"

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        if job.schedule:
            made.cron, made.timezone = job.schedule.cron, job.schedule.timezone
        return made
