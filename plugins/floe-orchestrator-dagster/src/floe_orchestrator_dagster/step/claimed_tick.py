"""Claims the tick of a run before anything is built, if several orchestrators have the job."""

from __future__ import annotations

from datetime import datetime

from dagster import Failure, OpExecutionContext

from floe_core.schedules.claims import wait_to_claim
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.names.dagster_names import (
    EPOCH_TAG,
    JOB_TAG,
    NOMINAL_TIME_TAG,
    NOT_OURS_TAG,
    job_of_run,
)


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
