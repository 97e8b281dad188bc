"""Write a run into an instance, as a launch from Dagster's own pages would."""

from __future__ import annotations

from collections.abc import Mapping

from dagster import AssetCheckKey, AssetKey, DagsterInstance, DagsterRun, JobDefinition
from dagster._core.execution.api import create_execution_plan
from dagster._core.remote_origin import RemoteJobOrigin
from dagster._core.snap import snapshot_from_execution_plan

Selection = tuple[set[AssetKey], set[AssetCheckKey]]

_IN_PROCESS: Mapping[str, object] = {"execution": {"config": {"in_process": {}}}}


def create_run(
    instance: DagsterInstance,
    job: JobDefinition,
    *,
    run_id: str,
    selection: Selection | None,
    tags: Mapping[str, str],
    origin: RemoteJobOrigin,
) -> DagsterRun:
    """Return a new run of a job, or of some of its assets and checks, in one process.

    `create_run_for_job` of the instance cannot name checks: hence this.
    """
    part = _part_of(job, selection)
    plan = create_execution_plan(part, run_config=_IN_PROCESS, instance_ref=instance.get_ref())
    snapshot = snapshot_from_execution_plan(plan, part.get_job_snapshot_id())
    return instance.create_run(
        job_name=job.name,
        run_id=run_id,
        run_config=_IN_PROCESS,
        status=None,
        tags={**job.tags, **tags},
        root_run_id=None,
        parent_run_id=None,
        step_keys_to_execute=plan.step_keys_to_execute,
        execution_plan_snapshot=snapshot,
        job_snapshot=part.get_job_snapshot(),
        parent_job_snapshot=part.get_parent_job_snapshot(),
        asset_selection=frozenset(selection[0]) if selection else None,
        asset_check_selection=frozenset(selection[1]) if selection else None,
        resolved_op_selection=None,
        op_selection=None,
        remote_job_origin=origin,
        job_code_origin=None,
        asset_graph=part.asset_layer.asset_graph,
    )


def _part_of(job: JobDefinition, selection: Selection | None) -> JobDefinition:
    if selection is None:
        return job
    return job.get_subset(asset_selection=selection[0], asset_check_selection=selection[1])
