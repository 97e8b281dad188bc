"""The task that checks whether a job has missed its deadline."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowRuntimeError

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.names.dag_id import dag_id
from floe_orchestrator_airflow.names.run_of_product import nominal_time

if TYPE_CHECKING:
    from airflow.sdk import Context

UNFINISHED = ["queued", "running"]


class FloeDeadlineOperator(BaseOperator):
    """Alerts if a job missed its last deadline, after a minute's wait for ends to be reported."""

    ui_color = "#ffd180"

    def __init__(self, *, project_dir: Path, job: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.project_dir = project_dir
        self.job = job

    def execute(self, context: Context) -> None:
        """Check the deadline, once the runs that ended in time have been reported."""
        from floe_core.alerts.deadline_watch import GRACE, report_lateness

        artifacts, ti = CompiledArtifacts.load(self.project_dir), context["ti"]
        moment = nominal_time(context)
        if moment is not None:
            time.sleep(max(0.0, (moment + GRACE - datetime.now(UTC)).total_seconds() + 0.1))

        def is_running(job: str) -> bool | None:
            try:
                name = dag_id(artifacts, artifacts.job(job))
                return ti.get_dr_count(name, states=UNFINISHED) > 0
            except (OSError, AirflowRuntimeError):
                return None

        # Airflow runs this only for a moment at which the DAG already existed.
        states = report_lateness(artifacts, is_running, only=self.job, known_since=moment)
        for state in states:
            self.log.info("%s: %s", self.job, "late" if state.missed else "not late")
