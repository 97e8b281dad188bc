"""The body of the step: run dbt, and report each node to Dagster as soon as it ends."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime

from dagster import (
    DagsterExecutionInterruptedError,
    Failure,
    OpExecutionContext,
)

from floe_core.execution import (
    BuildEnded,
    BuildRequest,
    NodeLog,
    NodeResult,
    PartitionResult,
    RunParameters,
    attempt_by_hand,
    build,
    chosen_nodes,
    end_with_parent,
    failure_of_build,
    first_attempt_number,
    record_of,
)
from floe_core.foundation.errors import EnvironmentProblemError, NothingNewError, UsageError
from floe_core.plugin_api.launched_run.run_report import emit
from floe_core.ports.decision import updates_in
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.internals import (
    SCHEDULED_EXECUTION_TIME_TAG,
    compute_output_keys_once,
    is_process_of_step,
    lighter_event_log,
)
from floe_orchestrator_dagster.names.dagster_names import (
    JOB_TAG,
    NOMINAL_TIME_TAG,
    UPDATES_TAG,
    build_op_name,
    job_of_run,
)
from floe_orchestrator_dagster.names.partitions import range_of
from floe_orchestrator_dagster.step.connection import connection_reader
from floe_orchestrator_dagster.step.internals import remembered_materializations
from floe_orchestrator_dagster.step.node_results import check_result, log_node_line, materialization
from floe_orchestrator_dagster.step.node_slots import node_slots, slot_of_job
from floe_orchestrator_dagster.step.other_events import other_events
from floe_orchestrator_dagster.step.partition_events import BuiltPartitions, check_partitions
from floe_orchestrator_dagster.step.relation_metadata import (
    RelationMetadata,
    wants_columns,
)
from floe_orchestrator_dagster.step.run_config import parameters_of
from floe_orchestrator_dagster.step.run_of_step import build_run_id, claim_tick_of_run, resumed_runs
from floe_orchestrator_dagster.step.step_nodes import (
    Columns,
    NodesOfStep,
    StepEvent,
    StepNodes,
    nodes_of_run,
    with_functions,
)
from floe_orchestrator_dagster.ticks.turn_of_run import wait_for_turn


def run_step(
    context: OpExecutionContext,
    artifacts: CompiledArtifacts,
    defined: NodesOfStep,
    *,
    sends_alerts: bool = True,
    columns: Columns = "auto",
) -> Iterator[StepEvent]:
    """Build the assets and checks selected for this step.

    `sends_alerts` is False if a sensor reports the ends of runs.

    Raises:
        Failure: A node did not pass. Retries are allowed only if a node failed for a reason that a
            retry may fix.
    """
    end_with_run()
    compute_output_keys_once(context)
    nodes = StepNodes.of(context, defined)
    wait_for_turn(context, artifacts)
    claim_tick_of_run(context, artifacts)
    request = request_of(context, artifacts, defined.with_unshown(artifacts, nodes.ids))
    request = replace(
        request,
        sends_alerts=sends_alerts,
        beside=nodes_of_run(context, defined),
        wants_columns=wants_columns(artifacts, columns),
    )
    relations = RelationMetadata(artifacts, request, columns, defined.keys)
    built = BuiltPartitions(context)
    end = BuildEnded(succeeded=False, message="the build ended without a result")
    try:
        with (
            lighter_event_log(context.instance),
            remembered_materializations(context),
            slot_of_job(context, artifacts.pool_of(artifacts.job(request.job))),
            closing(
                build(
                    artifacts,
                    request,
                    node_slots(context, artifacts),
                    connection_reader(context),
                )
            ) as events,
        ):
            for event in events:
                emit(event)
                if isinstance(event, NodeLog):
                    log_node_line(context.log, event)
                elif isinstance(event, PartitionResult):
                    built.note(event)
                elif isinstance(event, NodeResult):
                    yield from _events_of_result(event, nodes, relations, built)
                    for other in other_events(artifacts, request, event, nodes, defined):
                        context.log_event(other)
                    for of_partition in built.logged(event, nodes.keys.get(event.unique_id, ())):
                        context.log_event(of_partition)
                elif isinstance(event, BuildEnded):
                    end = event
    except DagsterExecutionInterruptedError as interrupt:
        # Otherwise Dagster would treat the cancel as a failure, and apply its retry policy.
        raise Failure("the run was canceled", allow_retries=False) from interrupt
    except (NothingNewError, UsageError) as error:
        raise Failure(str(error), allow_retries=False) from None
    except EnvironmentProblemError as error:
        raise Failure(str(error)) from error
    if not end.succeeded:
        failure = failure_of_build(artifacts, request, end)
        raise Failure(failure.text, allow_retries=failure.may_retry)


def request_of(
    context: OpExecutionContext, artifacts: CompiledArtifacts, node_ids: tuple[str, ...]
) -> BuildRequest:
    """Return what to build of these nodes, from partitions, config and the run's tags."""
    tags = context.run.tags
    step = _step_name(context, artifacts)
    runs = resumed_runs(context.run, context.instance)
    before = record_of(artifacts, *(build_run_id(run_id, step) for run_id in runs))
    span = range_of(context)
    moment = tags.get(NOMINAL_TIME_TAG) or tags.get(SCHEDULED_EXECUTION_TIME_TAG)
    nominal_time = datetime.fromisoformat(moment) if moment else None
    parameters = parameters_of(context, artifacts)
    check_partitions(artifacts, parameters.partitions, tags)
    requested = with_functions(artifacts, node_ids)
    attempt = attempt_by_hand(_choose_nodes(context, artifacts, parameters, requested), before)
    return BuildRequest(
        job=job_of_run(artifacts, tags.get(JOB_TAG, "")),
        run_id=build_run_id(context.run_id, step),
        node_ids=attempt.todo,
        attempt=_first_attempt(context, artifacts, len(runs)) + context.retry_number,
        nominal_time=nominal_time or (span.end if span else None),
        range=span,
        unfinished=attempt.unfinished,
        parameters=parameters.for_chosen_nodes(),
        part=step,
        may_reuse=not attempt.is_repeat and not _feeds_others(context),
        updates=tuple(updates_in(tags.get(UPDATES_TAG, "")).items()),
        root_run_id=context.run.root_run_id or "",
    )


def _first_attempt(context: OpExecutionContext, artifacts: CompiledArtifacts, runs: int) -> int:
    """Return the number of the run's first attempt; a policy of the team may allow more of them."""
    policy = context.op_def.retry_policy
    own = runs * ((policy.max_retries if policy else 0) + 1) + 1
    return max(own, first_attempt_number(artifacts, runs))


def _choose_nodes(
    context: OpExecutionContext,
    artifacts: CompiledArtifacts,
    parameters: RunParameters,
    node_ids: tuple[str, ...],
) -> tuple[str, ...]:
    """Return the nodes of this step that the run's parameters select.

    Return none of them if the selected nodes belong to another step of the same run.

    Raises:
        Failure: They select nothing, or dbt rejects them.
    """
    own = context.op_def.name
    steps = [each.name for each in context.job_def.nodes if each.name.startswith(own)]
    try:
        if len(steps) == 1 or not parameters.narrows:
            return chosen_nodes(artifacts, parameters, node_ids)
        of_product = chosen_nodes(artifacts, parameters, (n.unique_id for n in artifacts.runnable))
    except UsageError as error:
        raise Failure(str(error), allow_retries=False) from None
    return tuple(node_id for node_id in node_ids if node_id in of_product)


def _step_name(context: OpExecutionContext, artifacts: CompiledArtifacts) -> str:
    """Return the name of this step, "" for the only step of a product.

    Dagster makes two steps if an asset from elsewhere lies between two of the product's assets.
    """
    name = context.op_handle.name
    return "" if name == build_op_name(artifacts) else name


def _feeds_others(context: OpExecutionContext) -> bool:
    """Return whether other steps of the run depend on outputs of this one.

    Dagster skips a step if an output that it depends on is missing, such as that of a reused node.
    """
    name = context.op_handle.name
    inputs = [each for step in context.job_def.dependencies.values() for each in step.values()]
    return any(found.node == name for each in inputs for found in each.get_node_dependencies())


def _events_of_result(
    result: NodeResult, nodes: StepNodes, relations: RelationMetadata, built: BuiltPartitions
) -> Iterator[StepEvent]:
    if result.unique_id in nodes.check_keys and result.status not in ("skipped", "reused"):
        yield check_result(result, nodes.check_keys[result.unique_id])
    elif result.status == "success":
        more = relations.of(result)
        for key in nodes.keys.get(result.unique_id, ()):
            built.add_metadata(result, key)
            yield materialization(result, key, nodes.datasets.get(key, ""), more)


def end_with_run() -> None:
    """Make this process end when that of its run does, as nothing else receives its events.

    Do nothing in the run's own process: a run goes on without the process that launched it.
    """
    if is_process_of_step():
        end_with_parent(signal.SIGINT)
