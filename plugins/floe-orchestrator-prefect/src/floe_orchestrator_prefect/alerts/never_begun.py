"""Which flow runs never began, although a process was started for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.names.prefect_names import DEPLOYMENT, flow_name
from floe_orchestrator_prefect.service.server_problems import SERVER_PROBLEMS

# A process takes seconds to begin its flow run, on a busy machine many.
TO_BEGIN = timedelta(minutes=2)
# What happened before is history that nobody wants repeated.
LOST_WITHIN = timedelta(days=1)
MOST_STARTS = 3


def goes_on(artifacts: CompiledArtifacts, run: FlowRun) -> bool:
    """Return whether a run that crashed is, or will be, started again."""
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(run.id).state
            if state is None or not state.is_crashed():
                return True
            return any(
                each.id == run.id for each in lost_runs(client, artifacts, datetime.now(UTC))
            )
    except SERVER_PROBLEMS:
        return False


def lost_runs(
    client: SyncPrefectClient, artifacts: CompiledArtifacts, now: datetime
) -> Iterator[FlowRun]:
    """Yield the runs of a served product that never began, and that are to start again.

    They crashed or are pending for `TO_BEGIN`, and were started less than `MOST_STARTS` times. Runs
    of a work pool belong to its workers.
    """
    flows = [flow_name(artifacts, job) for job in artifacts.jobs]
    kinds = [StateType.PENDING, StateType.CRASHED]
    found = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=flows)),
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[DEPLOYMENT])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=kinds))
        ),
    )
    for run in found:
        if run.run_count or run.work_pool_name or run.state is None:
            continue
        age = now - run.state.timestamp
        is_due = run.state.type == StateType.CRASHED or age > TO_BEGIN
        if is_due and age < LOST_WITHIN and _starts(client, run) < MOST_STARTS:
            yield run


def _starts(client: SyncPrefectClient, run: FlowRun) -> int:
    states = client.read_flow_run_states(run.id)
    # One start is `Pending`, and then also `Submitting`.
    return sum(each.type == StateType.PENDING and each.name != "Submitting" for each in states)
