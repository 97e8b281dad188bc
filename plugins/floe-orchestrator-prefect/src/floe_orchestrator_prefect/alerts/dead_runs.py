"""End flow runs whose processes are gone, which Prefect would show as running for good.

Prefect kills the processes of its flow runs when the process that serves them is stopped, and
leaves the runs as `Running`. So a flow run's process holds the lock of a file in the product's
state folder. If the lock is free and Prefect shows the run as running, its process is dead.
"""

from __future__ import annotations

import atexit
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from filelock import FileLock, Timeout
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound
from prefect.logging.loggers import get_logger
from prefect.runtime import flow_run
from prefect.states import Cancelled, Crashed

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.environment_choice import name_in_environment
from floe_core.storage.files import hold_if_free
from floe_core.storage.state_folder import place_below, state_folder, state_place
from floe_orchestrator_prefect.alerts.end_hooks import report_end
from floe_orchestrator_prefect.names.prefect_names import flow_name

FOLDER = "prefect-runs"
# Those that `floe run` launches, on a server of its own.
LAUNCHED_FOLDER = "prefect-launched-runs"
LOCK = ".lock"
# Whoever looks at the lock holds it for a request or two.
PATIENCE_SECONDS = 30.0

log = get_logger("floe.dead_runs")
_held: dict[Path, FileLock] = {}


def hold_run(artifacts: CompiledArtifacts) -> None:
    """Hold the lock of this process's flow run until the process ends; nothing outside of one."""
    if flow_run.id and artifacts.project_dir is not None:
        hold(artifacts.project_dir, _folder_of(artifacts), flow_run.id)


def hold(project_dir: Path, folder: str, run_id: str) -> None:
    """Hold the lock of a flow run until this process ends."""
    # A run that cannot be held is only not found if it dies.
    with suppress(OSError, Timeout, EnvironmentProblemError):
        path = place_below(state_folder(project_dir), folder) / f"{run_id}{LOCK}"
        if path in _held:
            return
        path.parent.mkdir(exist_ok=True)
        lock = FileLock(path, timeout=PATIENCE_SECONDS)
        lock.acquire()
        _held[path] = lock
        atexit.register(_let_go, path)


def end_dead_runs(artifacts: CompiledArtifacts, *, launched: bool = False) -> list[str]:
    """End the flow runs of a product whose processes died on this machine; return their names.

    They crashed, or are canceled if that was under way. Their ends are reported to alerts, but for
    `launched` ones, which `floe run` reports.
    """
    folder = LAUNCHED_FOLDER if launched else _folder_of(artifacts)
    ended = []
    try:
        place = place_below(state_place(artifacts.folder), folder)
    except EnvironmentProblemError:
        # No run is held there either.
        return []
    for path in sorted(place.glob(f"*{LOCK}")):
        with suppress(OSError), hold_if_free(path) as is_dead:
            if not is_dead:
                continue
            with get_client(sync_client=True) as client:
                run = _read(client, path.name.removesuffix(LOCK))
                end = _end(client, run) if run is not None else None
                if run is not None and end is not None:
                    ended.append(run.name)
                    if not launched:
                        _report(client, artifacts, run, end)
            path.unlink(missing_ok=True)
    return ended


def _folder_of(artifacts: CompiledArtifacts) -> str:
    """Return the name of the folder with the locks of an environment's served runs."""
    return name_in_environment(FOLDER, artifacts.environment)


def _let_go(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
        _held.pop(path).release()


def _read(client: SyncPrefectClient, run_id: str) -> FlowRun | None:
    try:
        return client.read_flow_run(UUID(run_id))
    except (ObjectNotFound, ValueError):
        return None


def _end(client: SyncPrefectClient, run: FlowRun) -> State[Any] | None:
    """End a run that is still under way on the server; return its end, None if it was not."""
    state = run.state
    if state is None or not (state.is_running() or state.is_cancelling()):
        return None
    what = "its process is gone: it was killed, or the process that served it was stopped"
    end: State[Any] = Cancelled(message=what) if state.is_cancelling() else Crashed(message=what)
    client.set_flow_run_state(run.id, end, force=True)
    log.warning("flow run %s: %s", run.name, what)
    return end


def _report(
    client: SyncPrefectClient, artifacts: CompiledArtifacts, run: FlowRun, end: State[Any]
) -> None:
    for job in artifacts.jobs:
        if client.read_flow_by_name(flow_name(artifacts, job)).id == run.flow_id:
            report_end(artifacts, job, run, end)
