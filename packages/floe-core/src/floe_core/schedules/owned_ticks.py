"""The ticks of a job that one of several orchestrators owns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from floe_core.schedules.claims import claims_of, late_ticks
from floe_core.schedules.ownership import runs_tick
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job, Owner


@dataclass(frozen=True)
class OwnedTicks:
    """The ticks of a job, as the schedule store has it now, and its owner."""

    artifacts: CompiledArtifacts
    job: Job
    owner: Owner

    def why_not(self, tick: datetime) -> str:
        """Return why this orchestrator does not start a tick, "" if it does."""
        return runs_tick(self.owner, self.artifacts.orchestrator.name, tick)

    def late(self, now: datetime) -> list[datetime]:
        """Return the ticks that passed during a move, and that no run has claimed, in order.

        Raises:
            EnvironmentProblemError: The store cannot be read.
        """
        claims = claims_of(self.artifacts, self.job.name)
        return late_ticks(self.owner, self.job.schedule, claims, now)
