"""A job's schedule as a running Airflow reports it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from floe_core.plugin_api.powers import RunningSchedule
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.names.dag_id import dag_id
from floe_orchestrator_airflow.service.rest_access import (
    CannotGoOnError,
    json_object,
    request,
    token_for,
    url_in,
)

LIMIT_SECONDS = 10.0


def running_schedule(
    artifacts: CompiledArtifacts, name: str, settings: Mapping[str, Any]
) -> RunningSchedule | None:
    """Return the schedule that Airflow reports. See `ScheduleReporter`."""
    url, deadline = url_in(settings), time.monotonic() + LIMIT_SECONDS
    path = f"/api/v2/dags/{quote(dag_id(artifacts, artifacts.job(name)))}"
    try:
        token = token_for(url, settings, deadline)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = request("GET", url + path, deadline, headers=headers)
    except CannotGoOnError:
        return None
    if answer.status != 200:
        return None
    dag = json_object(answer)
    moment = dag.get("next_dagrun_run_after")
    if moment is None or dag.get("is_paused"):
        return RunningSchedule(None, is_enabled=False)
    return RunningSchedule(datetime.fromisoformat(moment).astimezone(UTC), is_enabled=True)
