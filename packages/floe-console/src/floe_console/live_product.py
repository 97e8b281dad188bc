"""A product as it runs now: the schedules of its store, and the orchestrators that own its jobs."""

from __future__ import annotations

from typing import Any

from floe_core.schedules.live_schedules import live_job
from floe_core.schedules.ownership import other_owner
from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice
from floe_core.schemas.policies import Job


def with_live_jobs(product: CompiledArtifacts) -> CompiledArtifacts:
    """Return a product with each job as the orchestrator has it that owns it.

    Raises:
        EnvironmentProblemError: The store of schedules cannot be read.
    """
    return _changed(product, jobs=tuple(_live(product, job) for job in product.jobs))


def on_orchestrator(product: CompiledArtifacts, name: str) -> CompiledArtifacts:
    """Return a product as it is on another orchestrator, of whose settings nothing is known."""
    return _changed(product, orchestrator=OrchestratorChoice(name=name, config={}))


def orchestrators_of(product: CompiledArtifacts) -> tuple[str, ...]:
    """Return what starts the jobs of a product: orchestrators, and schedules of others.

    The one that it is compiled for, if no job starts by itself.
    """
    starting = [job for job in product.jobs if job.owner or job.schedule or job.trigger]
    compiled = product.orchestrator.name
    names = [job.owner.orchestrator if job.owner else compiled for job in starting]
    return tuple(dict.fromkeys(names)) or (compiled,)


def is_managed(name: str) -> bool:
    """Return whether an owner is an orchestrator, and not one of its schedules: `airflow:DAG`."""
    return ":" not in name


def _live(product: CompiledArtifacts, job: Job) -> Job:
    live = live_job(product, job)
    if live.owner is None or not other_owner(live.owner, product.orchestrator.name):
        return live
    choice = product.orchestrator.model_copy(update={"name": live.owner.orchestrator})
    return live_job(_changed(product, orchestrator=choice), job)


def _changed(product: CompiledArtifacts, **changes: Any) -> CompiledArtifacts:
    changed = product.model_copy(update=changes)
    return changed if product.project_dir is None else changed.bound_to(product.project_dir)
