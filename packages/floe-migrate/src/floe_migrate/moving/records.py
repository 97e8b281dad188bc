"""The records of a product's owners and claims, in the store that both orchestrators read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from floe_core.foundation.errors import UsageError
from floe_core.schedules.claims import Claim, claims_of, record_claim, release
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.schedule_store import ScheduleStore, store_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job, Owner

Owners = Mapping[str, Owner]


class Records:
    """The owners of a product's jobs, and the claims of their ticks.

    Every method raises EnvironmentProblemError if the store cannot be read or written.
    """

    def __init__(self, artifacts: CompiledArtifacts) -> None:
        self.artifacts = artifacts

    @property
    def place(self) -> str:
        """Where the records are, without secrets."""
        return self._store.place

    def owners(self) -> Owners:
        """Return job name -> owner, for the jobs that have one."""
        kept = self._store.read()
        return {name: each.owner for name, each in kept.items() if each.owner is not None}

    def replace(self, name: str, before: Owner | None, after: Owner | None) -> bool:
        """Replace an owner in one step if it is still the one before; return whether it was."""
        return JobSchedules(self.artifacts).change_owner(name, before, after)

    def job(self, name: str) -> Job:
        """Return a job with its schedule and trigger as they are set now, whoever owns it.

        Raises:
            UsageError: The product has no such job.
        """
        names = [each.name for each in self.artifacts.jobs]
        if name not in names:
            what = f"{self.artifacts.product.name} has no job '{name}'"
            raise UsageError(f"{what}; its jobs are {', '.join(names)}")
        job, override = self.artifacts.job(name), self._store.read().get(name)
        if override is None:
            return job
        unowned = override.model_copy(update={"owner": None})
        here = self.artifacts.orchestrator.name
        return job if unowned.is_empty else unowned.over_job(job, here)

    def claims(self, name: str) -> Mapping[datetime, Claim]:
        """Return tick -> claim of a job."""
        return claims_of(self.artifacts, name)

    def claim(self, name: str, tick: datetime, claim: Claim) -> None:
        """Record a claim for a run that makes none itself."""
        record_claim(self.artifacts, name, tick, claim)

    def release(self, name: str, tick: datetime, claim: Claim) -> bool:
        """Remove a claim; return False if the tick has another one by now."""
        return release(self.artifacts, name, tick, claim)

    @property
    def _store(self) -> ScheduleStore:
        store = store_of(self.artifacts)
        assert store is not None, "the artifacts come from no folder"
        return store
