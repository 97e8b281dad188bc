"""Which flow runs never began, although a process was started for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.names.prefect_names import DEPLOYMENT, SKIPPED_RUN, flow_name
from floe_orchestrator_prefect.service.server_problems import SERVER_PROBLEMS

# A process takes seconds to begin its flow run, on a busy machine many.
TO_BEGIN = timedelta(minutes=2)
# What happened before is history that nobody wants repeated.
LOST_WITHIN = timedelta(days=1)
MOST_STARTS = 3
# What Prefect's server says when it cancels a run that was about to begin: it was restarted since
# the run became `Pending`, and has forgotten who holds the slot of the deployment.
SLOT_LOST = "concurrency slot lost"
GONE = "the process that was to start it is gone"


def may_go_on(state: State[Any]) -> bool:
    """Return whether a state ends a run that may not have begun."""
    return state.is_crashed() or _is_slot_lost(state)


def goes_on(artifacts: CompiledArtifacts, run: FlowRun) -> bool:
    """Return whether a run whose end may be none is, or will be, started again."""
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(run.id).state
            if state is None or not may_go_on(state):
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

    They crashed, are pending for `TO_BEGIN`, or lost their slot, and were started less than
    `MOST_STARTS` times. A run that gave its slot back to an earlier tick has not begun. Runs of a
    work pool belong to its workers.
    """
    flows = [flow_name(artifacts, job) for job in artifacts.jobs]
    kinds = [StateType.PENDING, StateType.CRASHED, StateType.CANCELLED]
    found = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=flows)),
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[DEPLOYMENT])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(
                type=FlowRunFilterStateType(any_=kinds),
                # The server answers with the last 200, which those of another owner would fill.
                name=FlowRunFilterStateName(not_any_=[SKIPPED_RUN]),
            )
        ),
    )
    for run in found:
        if run.work_pool_name or run.state is None or not _may_be_lost(run, run.state, now):
            continue
        states = sorted(client.read_flow_run_states(run.id), key=lambda each: each.timestamp)
        restarts = sum((each.message or "").startswith(GONE) for each in states)
        if restarts < MOST_STARTS - 1 and not _has_begun(states):
            yield run


def _may_be_lost(run: FlowRun, state: State[Any], now: datetime) -> bool:
    age = now - state.timestamp
    if age >= LOST_WITHIN:
        return False
    if state.is_crashed():
        return not run.run_count
    return _is_slot_lost(state) or (state.is_pending() and age > TO_BEGIN)


def _is_slot_lost(state: State[Any]) -> bool:
    return state.is_cancelled() and SLOT_LOST in (state.message or "")


def _has_begun(states: Sequence[State[Any]]) -> bool:
    """Return whether a run has begun since it was planned the last time."""
    last = max((at for at, each in enumerate(states) if each.is_scheduled()), default=0)
    return any(each.is_running() for each in states[last:])
