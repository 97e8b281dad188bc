"""The thread of a served product that restarts flow runs which never began.

The process that serves claims a flow run (`Pending`) and starts a process for it. If it is killed
meanwhile, Prefect leaves the run in that state for good, and a job that updates start would wait
for it. If the server is killed meanwhile, it cancels the run, and its tick would be lost. A run
that began is left alone: whether it still runs, Prefect alone can know.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.logging.loggers import get_logger
from prefect.states import Scheduled

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.alerts.dead_runs import end_dead_runs
from floe_orchestrator_prefect.alerts.never_begun import GONE, lost_runs
from floe_orchestrator_prefect.service.server_problems import SERVER_PROBLEMS

SECONDS_BETWEEN_LOOKS = 15

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
    """Have the lost runs of a served product start again, and return their names."""
    lost = list(lost_runs(client, artifacts, now))
    for run in lost:
        assert run.state is not None
        why = f"{GONE}; it was {run.state.name} and never began"
        client.set_flow_run_state(run.id, Scheduled(message=why, scheduled_time=now))
        log.warning("flow run %s starts again: %s", run.name, why)
    return [run.name for run in lost]
