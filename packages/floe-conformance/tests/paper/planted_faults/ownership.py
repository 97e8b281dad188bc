"""Plugins broken in which ticks they start of a job that another orchestrator has too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from paper_orchestrator import PaperPlugin

from floe_core.schedules.ownership import runs_tick
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class StartsWhatAnotherOwns(PaperPlugin):
    is_run = True
    caught_by = "test_a_tick_of_a_job_of_another_orchestrator_builds_nothing"

    def why_not(self, artifacts: CompiledArtifacts, tick: datetime) -> str:
        owner = artifacts.job(artifacts.product.name).owner
        is_other = owner is not None and owner.orchestrator == "another"
        return "" if is_other else super().why_not(artifacts, tick)


class LeavesLateTicksOut(PaperPlugin):
    """As one does that only runs what comes after its deployment."""

    is_run = True
    caught_by = "test_a_tick_that_passed_during_the_move_is_built_late"

    def why_not(self, artifacts: CompiledArtifacts, tick: datetime) -> str:
        is_late = tick < datetime.now(UTC) - timedelta(minutes=1)
        return "late" if is_late else super().why_not(artifacts, tick)


class ClaimsNothing(PaperPlugin):
    is_run = True
    caught_by = "test_a_tick_that_another_run_has_claimed_builds_nothing"

    def why_not(self, artifacts: CompiledArtifacts, tick: datetime) -> str:
        return runs_tick(artifacts.job(artifacts.product.name).owner, "paper", tick)
