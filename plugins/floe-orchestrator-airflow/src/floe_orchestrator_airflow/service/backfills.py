"""Name the backfill of a job that a running Airflow has not finished, with or without runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.names.dag_id import dag_id
from floe_orchestrator_airflow.service.api_access import PAGE, Access
from floe_orchestrator_airflow.service.rest_access import CannotGoOnError
from floe_orchestrator_airflow.service.run_history import problem


def backfills_of(
    artifacts: CompiledArtifacts, job_name: str, seconds: float, settings: Mapping[str, Any]
) -> list[str]:
    """See `BackfillReporter`. A DAG has one at a time, which is its newest."""
    dag = dag_id(artifacts, artifacts.job(job_name))
    wanted = urlencode({"dag_id": dag, "order_by": "-id", "limit": PAGE})
    try:
        found = Access.of(settings, seconds).ask("GET", f"/backfills?{wanted}")["backfills"]
        return [_named(each) for each in found if each["completed_at"] is None]
    except (CannotGoOnError, KeyError, TypeError, ValueError) as error:
        raise problem(error) from None


def _named(backfill: Mapping[str, Any]) -> str:
    days = f"{backfill['from_date'][:10]} to {backfill['to_date'][:10]}"
    paused = ", which is paused," if backfill["is_paused"] else ""
    return f"backfill {backfill['id']} of {days}{paused}"
