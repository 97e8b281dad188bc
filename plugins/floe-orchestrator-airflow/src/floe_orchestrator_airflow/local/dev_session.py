"""Serve products to a developer: a local Airflow that stays up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import DevOptions, RunOptions, RunReport, UncompiledProduct
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.state_folder import state_folder
from floe_orchestrator_airflow.local.launch import (
    OnEvent,
    add_dag,
    dag_id_of,
    follow_run,
    trigger,
)
from floe_orchestrator_airflow.local.service import LocalAirflow

# Whoever can reach the address, which is on this machine alone, may do everything: as with the
# pages of other orchestrators, there is no login.
_NO_LOGIN = {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True"}


@contextmanager
def serve_dev(
    products: Sequence[UncompiledProduct], options: DevOptions
) -> Iterator[AirflowSession]:
    """See `DevServer`. Products are added when they are compiled."""
    airflow = LocalAirflow(
        state_folder(options.folder) / "airflow",
        follows_schedules=options.follows_schedules,
        variables={**options.variables, **_NO_LOGIN},
        port=options.port,
    )
    airflow.start(lock_seconds=0)
    try:
        yield AirflowSession(airflow)
    finally:
        airflow.stop()


class AirflowSession:
    """A local Airflow that has been started."""

    def __init__(self, airflow: LocalAirflow) -> None:
        self._airflow = airflow
        self.pages = airflow.home.url
        self.settings = {"url": self.pages}
        self._is_up = False

    def take_up(self, artifacts: CompiledArtifacts) -> None:
        """See `DevSession`."""
        if not self._is_up:
            self._airflow.come_up(artifacts)
            self._is_up = True
        for job in artifacts.jobs:
            self._airflow.add(artifacts, dag_id_of(artifacts, RunOptions(job.name)))

    def problem(self) -> str:
        """See `DevSession`."""
        try:
            self._airflow.check_alive("serving")
        except EnvironmentProblemError as error:
            return str(error)
        return ""

    def reap_products(self) -> dict[str, str]:
        """See `DevSession`: products have no processes of their own."""
        return {}

    @contextmanager
    def start_early(self, product: UncompiledProduct) -> Iterator[AirflowRun]:
        """See `DevSession`: the executor's processes are there already."""
        yield AirflowRun(self._airflow)


class AirflowRun:
    """A run in an Airflow that is up."""

    def __init__(self, airflow: LocalAirflow) -> None:
        self._airflow = airflow
        self._run: tuple[str, str] | None = None
        self._is_canceled = False

    def launch_run(
        self, artifacts: CompiledArtifacts, options: RunOptions, on_event: OnEvent
    ) -> RunReport:
        """See `RunLauncher`."""
        # A token is valid for a day only.
        self._airflow.api.log_in()
        dag_id = add_dag(self._airflow, artifacts, options.job, on_event)
        run_id = trigger(self._airflow, dag_id, options)
        self._run = (dag_id, run_id)
        if self._is_canceled:
            self.cancel()
        report = follow_run(self._airflow, artifacts, options, run_id, on_event)
        page = f"{self._airflow.home.url}/dags/{dag_id}/runs/{run_id}"
        return replace(report, look_further=[f"the run in Airflow's pages: {page}"])

    def cancel(self) -> None:
        """See `DevRun`."""
        self._is_canceled = True
        if self._run is not None:
            self._airflow.api.fail_run(*self._run)

    def has_ended(self) -> bool:
        """See `DevRun`: the process is one of the executor's, which replaces it."""
        return False
