"""How a run ended according to Prefect's API, and whether its task runs agree with dbt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import StateType, TaskRun

from floe_core.plugin_api.launched_run.run_order import RunEnd
from floe_core.plugin_api.powers import RunStatus
from floe_core.runs.build_events import NodeResult
from floe_orchestrator_prefect.task.node_states import state_of

_STATUSES: Mapping[StateType | None, RunStatus] = {
    StateType.COMPLETED: "success",
    StateType.CANCELLED: "canceled",
}
# The most items that Prefect's API returns at once.
PAGE = 200


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
