"""The thread of a served product that restarts flow runs which never began.

The process that serves claims a flow run (`Pending`) and starts a process for it. If it is killed
meanwhile, Prefect leaves the run in that state for good, and a job that updates start would wait
for it. A run that began is left alone: whether it still runs, Prefect alone can know.
"""

from __future__ import annotations

import threading
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
from prefect.logging.loggers import get_logger
from prefect.states import Scheduled

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.alerts.dead_runs import end_dead_runs
from floe_orchestrator_prefect.names.prefect_names import DEPLOYMENT, flow_name
from floe_orchestrator_prefect.service.server_problems import SERVER_PROBLEMS

SECONDS_BETWEEN_LOOKS = 15
# A process takes seconds to begin its flow run, on a busy machine many.
TO_BEGIN = timedelta(minutes=2)
# What happened before is history that nobody wants repeated.
LOST_WITHIN = timedelta(days=1)
MOST_STARTS = 3

log = get_logger("floe.lost_runs")


def watch_lost_runs(artifacts: CompiledArtifacts) -> threading.Thread:
    """Start a thread that restarts lost runs and ends dead ones, and return it."""
    thread = threading.Thread(target=_watch, args=(artifacts,), name="floe-lost-runs", daemon=True)
    thread.start()
    return thread


def _watch(artifacts: CompiledArtifacts) -> None:
    pause = threading.Event()
    while True:
        try:
            end_dead_runs(artifacts)
            with get_client(sync_client=True) as client:
                restart_lost_runs(client, artifacts, datetime.now(UTC))
        except SERVER_PROBLEMS as error:
            # The server is away at times, and there is another look.
            log.debug("lost runs cannot be looked for: %s", error)
        pause.wait(SECONDS_BETWEEN_LOOKS)


def restart_lost_runs(
    client: SyncPrefectClient, artifacts: CompiledArtifacts, now: datetime
) -> list[str]:
    """Have the lost runs of a served product start again, and return their names.

    A run is lost if it never began, and crashed or is pending for `TO_BEGIN`. It is started at most
    `MOST_STARTS` times. Runs of a work pool belong to its workers.
    """
    lost = list(_lost_runs(client, artifacts, now))
    for run in lost:
        assert run.state is not None
        why = f"the process that was to start it is gone; it was {run.state.name} and never began"
        client.set_flow_run_state(run.id, Scheduled(message=why, scheduled_time=now))
        log.warning("flow run %s starts again: %s", run.name, why)
    return [run.name for run in lost]


def _lost_runs(
    client: SyncPrefectClient, artifacts: CompiledArtifacts, now: datetime
) -> Iterator[FlowRun]:
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
    return sum(state.type == StateType.PENDING for state in states)
