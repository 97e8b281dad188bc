"""The runs that a run continues, if Dagster re-executes it from failure."""

from __future__ import annotations

from collections.abc import Iterator

from dagster import DagsterInstance, DagsterRun

from floe_orchestrator_dagster.internals import RESUME_RETRY_TAG


def resumed_runs(run: DagsterRun, instance: DagsterInstance) -> tuple[str, ...]:
    """Return the ids of the runs that this one continues, oldest first.

    Empty for a new run. Dagster can only re-execute the step as a whole; which of its nodes are
    done is in floe's records of those runs.
    """
    return tuple(reversed([*_parents(run, instance)]))


def build_run_id(run_id: str, step: str) -> str:
    """Return the id of a step's build; `step` is "" if the product has only one step in the run.

    Each build has its own records; with one id, two steps of a run would overwrite each other's.
    """
    return f"{run_id}.{step}" if step else run_id


def _parents(run: DagsterRun | None, instance: DagsterInstance) -> Iterator[str]:
    while run is not None and run.parent_run_id and run.tags.get(RESUME_RETRY_TAG) == "true":
        yield run.parent_run_id
        run = instance.get_run_by_id(run.parent_run_id)
