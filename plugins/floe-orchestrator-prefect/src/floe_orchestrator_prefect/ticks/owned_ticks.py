"""The ticks of a job that this Prefect owns, of several orchestrators that have it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from prefect.client.schemas.objects import FlowRun

from floe_core.schedules.claims import claims_of, late_ticks
from floe_core.schedules.ownership import runs_tick
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job, Owner
from floe_orchestrator_prefect.ticks.tick_order import KEY_OF_TICK


@dataclass(frozen=True, slots=True)
class OwnedTicks:
    """The ticks of a job, as the schedule store has it now, and its owner."""

    artifacts: CompiledArtifacts
    job: Job
    owner: Owner

    def why_not(self, tick: datetime) -> str:
        """Return why this Prefect does not start a tick, "" if it does."""
        return runs_tick(self.owner, self.artifacts.orchestrator.name, tick)

    def late(self, now: datetime) -> list[datetime]:
        """Return the ticks that passed during a move, and that no run has claimed, in order.

        Raises:
            EnvironmentProblemError: The store cannot be read.
        """
        claims = claims_of(self.artifacts, self.job.name)
        return late_ticks(self.owner, self.job.schedule, claims, now)


def tick_of(run: FlowRun) -> datetime | None:
    """Return the tick that a flow run is for; None if it was started by hand or by updates."""
    key = run.idempotency_key or ""
    if key.startswith(KEY_OF_TICK):
        return datetime.fromisoformat(key.removeprefix(KEY_OF_TICK))
    planned = run.expected_start_time if run.auto_scheduled else None
    return planned.astimezone(UTC) if planned else None
