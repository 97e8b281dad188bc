"""Claims the tick of a DAG run before anything is built, if several orchestrators have the job."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from floe_core.schedules.claims import wait_to_claim
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.names.airflow_exceptions import AirflowSkipException
from floe_orchestrator_airflow.names.airflow_names import has_to_claim
from floe_orchestrator_airflow.names.run_of_product import nominal_time

if TYPE_CHECKING:
    from airflow.sdk import Context


def claim_tick_of_run(
    artifacts: CompiledArtifacts, job: str, context: Context, warn: Callable[[str], None]
) -> None:
    """Claim the tick that the timetable started the run for; nothing for any other run.

    The retries of a run have its claim. While the store of claims is away, the task waits.

    Raises:
        AirflowSkipException: Another run builds the tick, or another orchestrator runs it.
    """
    tick, run_id = nominal_time(context), context["ti"].run_id
    if tick is None or not has_to_claim(run_id):
        return
    if why_not := wait_to_claim(artifacts, job, tick, run_id, warn):
        raise AirflowSkipException(why_not)
