"""What the step does: run dbt, and tell Dagster of each node the moment it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime

from dagster import (
    AssetCheckResult,
    AssetExecutionContext,
    DagsterExecutionInterruptedError,
    Failure,
    MaterializeResult,
)
from dagster._core.storage.tags import SCHEDULED_EXECUTION_TIME_TAG

from floe_core.execution import BuildEnded, BuildRequest, NodeLog, NodeResult, build
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.time_range import TimeRange
from floe_orchestrator_dagster.asset_map import AssetMap
from floe_orchestrator_dagster.dagster_names import (
    JOB_TAG,
    NOMINAL_TIME_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
)
from floe_orchestrator_dagster.event_feed import tell
from floe_orchestrator_dagster.failure import failure_of
from floe_orchestrator_dagster.lighter_event_log import lighter_event_log
from floe_orchestrator_dagster.node_log import log_node_line
from floe_orchestrator_dagster.node_results import check_result, materialization
from floe_orchestrator_dagster.output_keys_once import compute_output_keys_once
from floe_orchestrator_dagster.resumed_run import ResumedRun
from floe_orchestrator_dagster.step_process import end_with_run

StepEvent = MaterializeResult[None] | AssetCheckResult


def run_step(
    context: AssetExecutionContext, artifacts: CompiledArtifacts, asset_map: AssetMap
) -> Iterator[StepEvent]:
    """Build the assets and checks that this step was asked for.

    Raises:
        Failure: Some node did not pass. Retries are in order only where a node had an accident.
    """
    end_with_run()
    compute_output_keys_once(context)
    request = request_of(context, artifacts, asset_map)
    end = BuildEnded(succeeded=False, message="the build ended without a word")
    try:
        with lighter_event_log(context.instance), closing(build(artifacts, request)) as events:
            for event in events:
                tell(event)
                if isinstance(event, NodeLog):
                    log_node_line(context, event)
                elif isinstance(event, NodeResult):
                    yield from _told(event, asset_map)
                elif isinstance(event, BuildEnded):
                    end = event
    except DagsterExecutionInterruptedError as interrupt:
        # Dagster would take a cancel for an accident, and its retry policy would start again.
        raise Failure("the run was canceled", allow_retries=False) from interrupt
    if not end.succeeded:
        raise failure_of(artifacts, request, end)


def request_of(
    context: AssetExecutionContext, artifacts: CompiledArtifacts, asset_map: AssetMap
) -> BuildRequest:
    """Return what to build, from the step's selection and the tags of its run."""
    tags = context.run.tags
    job = _job_name(tags.get(JOB_TAG, ""), artifacts)
    chosen = asset_map.node_ids(context.selected_asset_keys, context.selected_asset_check_keys)
    whole = tuple(sorted(node.unique_id for node in artifacts.nodes_of(artifacts.job(job))))
    assert artifacts.project_dir is not None
    resumed = ResumedRun.of(context.run, context.instance, artifacts.project_dir)
    todo = resumed.left_of(chosen)
    moment = tags.get(NOMINAL_TIME_TAG) or tags.get(SCHEDULED_EXECUTION_TIME_TAG)
    return BuildRequest(
        job=job,
        run_id=context.run_id,
        node_ids=None if todo == whole else todo,
        attempt=resumed.count + context.retry_number + 1,
        nominal_time=datetime.fromisoformat(moment) if moment else None,
        range=_range(tags),
    )


def _range(tags: Mapping[str, str]) -> TimeRange | None:
    """Return the range that a run's tags give it.

    Raises:
        Failure: They give half of one, or none that can be read.
    """
    start, end = tags.get(RANGE_START_TAG), tags.get(RANGE_END_TAG)
    if not (start or end):
        return None
    try:
        return TimeRange.parsed(start or "", end or "")
    except ValueError as error:
        what = f"the tags {RANGE_START_TAG} and {RANGE_END_TAG} are to be ISO times: {error}"
        raise Failure(what, allow_retries=False) from None


def _job_name(tag: str, artifacts: CompiledArtifacts) -> str:
    """Return the product's job of a run; its first for assets that were chosen by hand."""
    names = [job.name for job in artifacts.jobs]
    return tag if tag in names else names[0]


def _told(result: NodeResult, asset_map: AssetMap) -> Iterator[StepEvent]:
    if result.unique_id in asset_map.check_keys and result.status != "skipped":
        yield check_result(result, asset_map.check_keys[result.unique_id])
    elif result.unique_id in asset_map.keys and result.status == "success":
        yield materialization(result, asset_map.keys[result.unique_id])
