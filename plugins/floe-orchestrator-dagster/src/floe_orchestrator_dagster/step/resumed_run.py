"""The runs that a run goes on with, when Dagster executes it again from failure."""

from __future__ import annotations

from collections.abc import Iterator

from dagster import DagsterInstance, DagsterRun

from floe_orchestrator_dagster.internals import RESUME_RETRY_TAG


def resumed_runs(run: DagsterRun, instance: DagsterInstance) -> tuple[str, ...]:
    """Return the ids of the runs that this one goes on with, the first one first.

    None for a run that was started afresh. To Dagster one step is all there is to execute again;
    which of its nodes are done stands in floe's records of those runs.
    """
    return tuple(reversed([*_parents(run, instance)]))


def build_run_id(run_id: str, step: str) -> str:
    """Return the id of a step's build; `step` is "" where the product has one step in the run.

    Builds have records of their own: two steps of one run would overwrite each other's.
    """
    return f"{run_id}.{step}" if step else run_id


def _parents(run: DagsterRun | None, instance: DagsterInstance) -> Iterator[str]:
    while run is not None and run.parent_run_id and run.tags.get(RESUME_RETRY_TAG) == "true":
        yield run.parent_run_id
        run = instance.get_run_by_id(run.parent_run_id)
