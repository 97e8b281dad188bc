"""Runs an order in this process, once its server is up, and reports how it ended on Prefect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, State, StateType, TaskRun
from prefect.states import Cancelled

from floe_core.plugin_api.launched_run.run_order import RunEnd, RunOrder
from floe_core.plugin_api.launched_run.run_report import RunReporter
from floe_core.plugin_api.powers import RunOptions, RunStatus
from floe_core.runs.build_events import NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.alerts.dead_runs import LAUNCHED_FOLDER, end_dead_runs, hold
from floe_orchestrator_prefect.flow.job_flow import JobFlow
from floe_orchestrator_prefect.flow.product_flows import product_flows
from floe_orchestrator_prefect.internals import without_heartbeats
from floe_orchestrator_prefect.local.expired_leases import taking_back_slots
from floe_orchestrator_prefect.local.own_server import watching_server
from floe_orchestrator_prefect.task.run_states import state_of

_STATUSES: Mapping[StateType | None, RunStatus] = {
    StateType.COMPLETED: "success",
    StateType.CANCELLED: "canceled",
}
# The most items that Prefect's API returns at once.
PAGE = 200

# How long a run may take to end once its server is gone: Prefect's client retries for minutes.
SECONDS_WITHOUT_SERVER = 10.0


def run_order(order: RunOrder, reporter: RunReporter) -> None:
    """Run an order, and report how the run ended."""
    product = product_flows(CompiledArtifacts.load(order.project_dir))
    # Prefect would show them as running for good: nothing else ends them on this server.
    end_dead_runs(product.artifacts, launched=True)
    with get_client(sync_client=True) as client:
        with watching_server(str(client.api_url), SECONDS_WITHOUT_SERVER), taking_back_slots():
            run_id = _run(product.flows[order.options.job], order)
        reporter.report_end(end_of(client, run_id, reporter.results))


def _run(flow: JobFlow, order: RunOrder) -> UUID:
    """Run a flow, and return the id of its run.

    An interrupt means that a user canceled the run, but Prefect treats it as a crash.
    """
    begun: list[UUID] = []

    @flow.on_running
    def note_run(flow: JobFlow, flow_run: FlowRun, state: State[Any]) -> None:
        begun.append(flow_run.id)
        hold(Path(order.project_dir), LAUNCHED_FOLDER, str(flow_run.id))

    try:
        with without_heartbeats():
            state: Any = flow(**_parameters(order.options), return_state=True)
    except KeyboardInterrupt:
        if not begun:
            raise
        with get_client(sync_client=True) as client:
            message = "the process that launched the run canceled it"
            client.set_flow_run_state(begun[0], Cancelled(message=message), force=True)
        return begun[0]
    run_id: UUID = state.state_details.flow_run_id
    return run_id


def _parameters(options: RunOptions) -> dict[str, Any]:
    """Return the parameters of the job's flow, as JSON has them."""
    span = options.range
    given = {
        "node_ids": list(options.node_ids) if options.node_ids is not None else None,
        "nominal_time": options.nominal_time.isoformat() if options.nominal_time else None,
        "range_start": span.start.isoformat() if span else None,
        "range_end": span.end.isoformat() if span else None,
        **options.parameters.as_given(),
    }
    return {name: value for name, value in given.items() if value is not None}


def end_of(client: SyncPrefectClient, run_id: UUID, results: Mapping[str, NodeResult]) -> RunEnd:
    """Return the end of a flow run. If Prefect and dbt disagree, the run counts as failed."""
    run = client.read_flow_run(run_id)
    status = _STATUSES.get(run.state_type, "failed")
    seconds = run.total_run_time.total_seconds()
    contradictions = list(_contradictions(client, run_id, results))
    if status == "success" and not all(result.passed for result in results.values()):
        contradictions.append("Prefect has the run as completed, but not every node passed")
    if contradictions and status != "canceled":
        problem = "Prefect and dbt disagree: " + "; ".join(contradictions)
        return RunEnd("failed", str(run_id), seconds, problem)
    message = run.state.message if run.state and status != "success" else ""
    return RunEnd(status, str(run_id), seconds, message or "")


def task_runs_of(client: SyncPrefectClient, run_id: UUID) -> dict[str, TaskRun]:
    """Return dynamic key -> task run of a flow run; the key of a node's is the node's id."""
    chosen = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
    found: dict[str, TaskRun] = {}
    while page := client.read_task_runs(flow_run_filter=chosen, limit=PAGE, offset=len(found)):
        found.update((run.dynamic_key, run) for run in page)
    return found


def _contradictions(
    client: SyncPrefectClient, run_id: UUID, results: Mapping[str, NodeResult]
) -> Iterator[str]:
    runs = task_runs_of(client, run_id)
    for node_id, result in sorted(results.items()):
        expected = state_of(result)
        found = runs[node_id].state if node_id in runs else None
        if found is None or (found.type, found.name) != (expected.type, expected.name):
            yield f"{node_id} is {found.name if found else 'absent'} on Prefect, {result.status}"
