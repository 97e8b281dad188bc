"""The Prefect flow of a job: one dbt build, and a task run for each node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort
from prefect.flows import Flow
from prefect.runtime import flow_run
from prefect.states import Cancelled

from floe_core.execution import RunParameters, chosen_nodes, nodes_of_job
from floe_core.plugin_api.powers import RetryPlan
from floe_core.runs.run_parameters import RunResourceType, TimeRange
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_prefect.alerts.end_hooks import end_hooks
from floe_orchestrator_prefect.names.prefect_names import SKIPPED_RUN, flow_name
from floe_orchestrator_prefect.task.build_task import OneBuild, build_task
from floe_orchestrator_prefect.task.node_runs import NodeRuns
from floe_orchestrator_prefect.task.node_tasks import NodeTask
from floe_orchestrator_prefect.task.port_events import emit_updated_ports
from floe_orchestrator_prefect.task.run_request import request_of, results_so_far
from floe_orchestrator_prefect.ticks.due_tick import due_tick
from floe_orchestrator_prefect.ticks.started_by import current_run, updates_of_run
from floe_orchestrator_prefect.ticks.tick_order import start_next

JobFlow = Flow[..., Any]
_DESCRIPTIONS = {
    "node_ids": "Ids of the dbt nodes to build. None: the whole job.",
    "nominal_time": "The nominal time of the run; dbt receives it as floe_nominal_time.",
    "range_start": "Start of the range to backfill; dbt receives it as floe_range_start.",
    "range_end": "End of the range to backfill, exclusive; dbt receives it as floe_range_end.",
    **{name: field.description for name, field in RunParameters.model_fields.items()},
}
# Prefect takes the descriptions of parameters in its form from the docstring.
_DOCUMENTATION = "\n".join(
    [
        "Build the job.",
        "",
        "Args:",
        *(f"    {name}: {text}" for name, text in _DESCRIPTIONS.items()),
    ]
)
DueTick = Callable[[CompiledArtifacts, Job], tuple[datetime | None, str]]


def job_flow(
    artifacts: CompiledArtifacts, job: Job, tasks: Mapping[str, NodeTask], due: DueTick = due_tick
) -> JobFlow:
    """Return the flow of a job. Its parameters are those of a run, and the time it is for.

    The flow returns node id -> status. If `due` gives a reason against a run, the run ends as
    cancelled, named Skipped: by default a scheduled run whose time is no longer one of floe's
    ticks. So does a run for updates of ports that another run has already taken.
    """
    build = build_task(artifacts, job)
    hooks = end_hooks(artifacts, job)

    def run_job(
        node_ids: list[str] | None = None,
        nominal_time: datetime | None = None,
        range_start: datetime | None = None,
        range_end: datetime | None = None,
        select: str | None = None,
        exclude: str | None = None,
        resource_types: list[RunResourceType] | None = None,
        full_refresh: bool = False,
        empty: bool = False,
        vars: dict[str, Any] | None = None,
        partitions: str | None = None,
    ) -> State[None] | dict[str, str]:
        given = RunParameters.given(
            {
                "select": select,
                "exclude": exclude,
                "resource_types": resource_types,
                "full_refresh": full_refresh,
                "empty": empty,
                "vars": vars,
                "partitions": partitions,
            }
        )
        tick, why_not = due(artifacts, job)
        if why_not:
            return _skip(why_not)
        time_range = _range(range_start, range_end)
        among = nodes_of_job(artifacts, job.name) if node_ids is None else node_ids
        wanted = chosen_nodes(artifacts, given, among)
        request = request_of(artifacts, job, wanted, nominal_time or tick, time_range)
        # The hooks of the flow report its end.
        request = replace(
            request,
            parameters=given.for_chosen_nodes(),
            updates=updates_of_run(job.name),
            sends_alerts=False,
        )
        if request.node_ids != ():
            with NodeRuns(artifacts, tasks, UUID(str(flow_run.id))) as node_runs:
                one = OneBuild(request, node_runs)
                build(one)
            if one.nothing_new:
                return _skip(one.nothing_new)
            emit_updated_ports(artifacts, results_so_far(artifacts))
        results = results_so_far(artifacts)
        return {node_id: result.status for node_id, result in sorted(results.items())}

    run_job.__doc__ = _DOCUMENTATION
    return Flow(
        fn=run_job,
        name=flow_name(artifacts, job),
        description=description_of(artifacts, job),
        version=artifacts.product.version,
        persist_result=False,
        on_completion=hooks,
        on_failure=hooks,
        on_crashed=hooks,
        on_cancellation=hooks,
    )


def _skip(why: str) -> State[None]:
    """End the current run, which builds nothing; return the state that it ends with.

    Raises:
        Abort: The run is one of a deployment, and has the state already. Prefect treats a canceled
            state that a flow returns as an error: it logs the traceback, and the process fails.
    """
    state: State[None] = Cancelled(name=SKIPPED_RUN, message=why)
    run = current_run()
    if run is None or run.deployment_id is None:
        return state
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, state)
    start_next(run)
    raise Abort(why)


def description_of(artifacts: CompiledArtifacts, job: Job) -> str:
    """Return the product's description, as Prefect's UI shows `None` for a flow without one."""
    return artifacts.product.description or f"The job {job.name} of {artifacts.product.name}."


def _range(start: datetime | None, end: datetime | None) -> TimeRange | None:
    """Return the range that a backfill's run covers.

    Raises:
        ValueError: Only half of the range is given, or it is empty.
    """
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise ValueError("range_start and range_end go together")
    return TimeRange.parse(start.isoformat(), end.isoformat())


def retry_plan(artifacts: CompiledArtifacts, job_name: str) -> RetryPlan:
    """Return the plan of the task that builds for a job. See `RetryReporter`."""
    task = build_task(artifacts, artifacts.job(job_name))
    given = task.retry_delay_seconds
    delays = list(given) if isinstance(given, list) else [float(given or 0)] * task.retries
    return RetryPlan(tuple(float(delay) for delay in delays[: task.retries]), *sorted(task.tags))
