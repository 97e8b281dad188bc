"""The thread of a served product that checks whether its jobs have missed their deadlines."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from prefect.client.orchestration import get_client

from floe_core.alerts import jobs_with_deadlines, report_lateness
from floe_core.alerts.deadline_watch import SECONDS_BETWEEN_LOOKS
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.names.prefect_names import DEPLOYMENT, flow_name
from floe_orchestrator_prefect.service.server_problems import SERVER_PROBLEMS
from floe_orchestrator_prefect.ticks.update_watch import has_run


def watch_deadlines(artifacts: CompiledArtifacts) -> threading.Thread | None:
    """Start a thread that checks every few seconds, and return it; None without deadlines."""
    if not jobs_with_deadlines(artifacts):
        return None
    thread = threading.Thread(target=_watch, args=(artifacts,), name="floe-deadlines", daemon=True)
    thread.start()
    return thread


def _watch(artifacts: CompiledArtifacts) -> None:
    pause = threading.Event()
    while True:
        look_once(artifacts)
        pause.wait(SECONDS_BETWEEN_LOOKS)


def look_once(artifacts: CompiledArtifacts) -> None:
    """Alert about each deadline that was missed since the last check."""
    report_lateness(artifacts, lambda job: is_under_way(artifacts, job))


def is_under_way(artifacts: CompiledArtifacts, job: str) -> bool | None:
    """Return whether a run of a job is due or in progress, None if the server is unreachable."""
    try:
        with get_client(sync_client=True) as client:
            name = f"{flow_name(artifacts, artifacts.job(job))}/{DEPLOYMENT}"
            found = client.read_deployment_by_name(name)
            return has_run(client, found.id, datetime.now(UTC))
    except SERVER_PROBLEMS:
        return None
