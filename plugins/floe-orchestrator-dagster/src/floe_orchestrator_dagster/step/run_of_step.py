"""The run that a step is of: the tick that it claims, the runs that it continues, its builds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dagster import DagsterInstance, DagsterRun, Failure, OpExecutionContext

from floe_core.schedules.claims import wait_to_claim
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.internals import RESUME_RETRY_TAG
from floe_orchestrator_dagster.names.dagster_names import (
    EPOCH_TAG,
    JOB_TAG,
    NOMINAL_TIME_TAG,
    NOT_OURS_TAG,
    job_of_run,
)


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


def claim_tick_of_run(context: OpExecutionContext, artifacts: CompiledArtifacts) -> None:
    """Claim the tick that a schedule started the run for; nothing for any other run.

    The retries of a run have its claim. While the store of claims is away, the step waits.

    Raises:
        Failure: Another run builds the tick, or another orchestrator runs it. There is no retry.
    """
    tags, run = context.run.tags, context.run
    if EPOCH_TAG not in tags or NOMINAL_TIME_TAG not in tags:
        return
    why_not = wait_to_claim(
        artifacts,
        job_of_run(artifacts, tags.get(JOB_TAG, "")),
        datetime.fromisoformat(tags[NOMINAL_TIME_TAG]),
        run.root_run_id or run.run_id,
        context.log.warning,
    )
    if why_not:
        context.instance.add_run_tags(run.run_id, {NOT_OURS_TAG: why_not})
        raise Failure(f"nothing is built: {why_not}", allow_retries=False)
