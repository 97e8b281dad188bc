"""A plugin that takes no notice of the environment that is chosen."""

from __future__ import annotations

from paper_orchestrator import PaperPlugin

from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schemas.artifacts_reader import read_artifacts
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class ReadsTheFileByItself(PaperPlugin):
    """So that it sees the product as it is without an environment."""

    caught_by = "test_a_schedule_is_that_of_the_environment"

    def live(self, artifacts: CompiledArtifacts) -> CompiledArtifacts:
        folder = artifacts.folder
        return with_live_schedules(read_artifacts(folder).bound_to(folder))
