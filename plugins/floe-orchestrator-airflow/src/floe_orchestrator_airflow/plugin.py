"""The orchestrator plugin that core finds under the name `airflow`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_core.foundation.errors import invalid
from floe_core.plugin_api.powers import (
    Concept,
    DevOptions,
    DevSession,
    EntryPointFile,
    PoolProblem,
    RetryPlan,
    RunLauncher,
    RunningSchedule,
    RunOptions,
    RunReport,
    UncompiledProduct,
)
from floe_core.plugin_api.product_plugin import ProductPlugin
from floe_core.plugin_api.run_history import NodesOfRun, RecordedRun
from floe_core.plugin_interfaces import (
    ResourceSpec,
    TransformConfig,
    ValidationResult,
)
from floe_core.runs.build_events import BuildEvent
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.cluster.task_pod_sizes import TASK_POD_SIZES
from floe_orchestrator_airflow.names.entry_point import FILENAME, entry_point_text

if TYPE_CHECKING:
    from airflow.sdk import DAG, BaseOperator

    from floe_core.plugin_api.helm.settings import HelmSettings
    from floe_core.plugin_api.unmanaged_schedules import UnmanagedSchedule
    from floe_core.schedules.job_schedules import JobSchedules
    from floe_core.schemas.policies import Schedule

LOADER = "floe_orchestrator_airflow.loader.load_product_dag"


class AirflowOrchestratorPlugin(ProductPlugin):
    """Runs floe products on Airflow 3.

    Settings: `url`, `username`, `password` and `token` of the service that `validate_connection`
    checks and that applies changed schedules; `schedule_store`, a folder or URL for schedules;
    `project_dir`, the compiled folder of the product whose schedules change, and in which operators
    made from transforms build; `resource_presets`, which replace the resources of a workload size;
    `helm`, the input of `get_helm_values`.
    """

    name = "airflow"
    version = metadata.version("floe-orchestration-airflow")
    floe_api_version = "1.0"
    dev_port = 8080

    def create_definitions(self, artifacts: CompiledArtifacts) -> DAG:
        """Return the DAG of the whole product."""
        from floe_core.schedules.live_schedules import with_live_schedules
        from floe_orchestrator_airflow.dag.job_dag import job_dag
        from floe_orchestrator_airflow.loader import whole_product_job
        from floe_orchestrator_airflow.product_check import check_product

        check_product(artifacts)
        if artifacts.project_dir is None:
            raise invalid(
                f"these artifacts of '{artifacts.product.name}' come from no folder, and a DAG "
                "runs the dbt project in one",
                fix=f"load them with {LOADER}({artifacts.product.name!r}, project_dir)",
            )
        self._define(artifacts)
        live = with_live_schedules(artifacts)
        return job_dag(live, whole_product_job(live), artifacts.project_dir)

    def create_assets_from_transforms(
        self, transforms: list[TransformConfig]
    ) -> list[BaseOperator]:
        """Return an operator for each transform."""
        from floe_orchestrator_airflow.dag.transforms import operators_from_transforms

        folder = self._settings.get("project_dir")
        return list(operators_from_transforms(transforms, Path(folder) if folder else None))

    def get_helm_values(self) -> dict[str, Any]:
        """Return values for charts/floe-airflow from the setting `helm`, in the size it names.

        Raises:
            InvalidProductError: `helm` is invalid; lists every problem.
        """
        from floe_core.plugin_api.helm.settings import helm_settings
        from floe_orchestrator_airflow.cluster.helm_values import AirflowHelmSettings, helm_values

        settings = helm_settings(AirflowHelmSettings, self._settings)
        return helm_values(settings, self.get_resource_requirements)

    def chart_folder(self) -> Path:
        """See `ChartOwner`."""
        from floe_orchestrator_airflow.cluster.helm_values import CHART

        return CHART

    def helm_settings_model(self) -> type[HelmSettings]:
        """See `ChartOwner`."""
        from floe_orchestrator_airflow.cluster.helm_values import AirflowHelmSettings

        return AirflowHelmSettings

    def validate_connection(self) -> ValidationResult:
        """Check through the API server whether all of Airflow is running and healthy."""
        from floe_orchestrator_airflow.service.connection_check import check_connection

        return check_connection(self._settings)

    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        """Return the resources of a task pod."""
        from floe_core.plugin_api.resource_sizes import resources_for

        overrides = self._settings.get("resource_presets") or {}
        return resources_for(workload_size, TASK_POD_SIZES, overrides)

    def _take_up(self, schedules: JobSchedules, job_name: str) -> None:
        from floe_orchestrator_airflow.ticks.schedule_uptake import take_up

        take_up(schedules, job_name, self._settings)

    def running_schedule(
        self, artifacts: CompiledArtifacts, job_name: str
    ) -> RunningSchedule | None:
        """See `ScheduleReporter`."""
        from floe_orchestrator_airflow.ticks.running_schedule import running_schedule

        return running_schedule(artifacts, job_name, self._settings)

    def ticks_of(self, schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
        """See `TickReporter`."""
        from floe_orchestrator_airflow.ticks.airflow_ticks import airflow_ticks

        return list(airflow_ticks(schedule, start, end))

    def concepts(self, artifacts: CompiledArtifacts) -> list[Concept]:
        """See `ConceptExplainer`."""
        from floe_orchestrator_airflow.concepts import concepts

        return concepts(artifacts)

    def retry_plan(self, artifacts: CompiledArtifacts, job_name: str) -> RetryPlan:
        """See `RetryReporter`."""
        from floe_orchestrator_airflow.dag.retry_plan import retry_plan

        return retry_plan(artifacts, job_name)

    def update_watcher(self, artifacts: CompiledArtifacts, job_name: str) -> str:
        """See `UpdateStarter`."""
        return f"the asset floe://{artifacts.product.name}/{job_name}/updates"

    def check_pools(self, artifacts: CompiledArtifacts) -> Sequence[PoolProblem]:
        """See `PoolChecker`."""
        from floe_orchestrator_airflow.service.pool_check import check_pools

        return check_pools(artifacts, self._settings)

    def recent_runs(
        self,
        products: Sequence[CompiledArtifacts],
        since: datetime | None,
        most: int,
        seconds: float,
    ) -> Sequence[RecordedRun]:
        """See `RunHistory`."""
        from floe_orchestrator_airflow.service.run_history import recent_runs

        return recent_runs(products, since, most, seconds, self._settings)

    def backfills_of(
        self, artifacts: CompiledArtifacts, job_name: str, seconds: float
    ) -> Sequence[str]:
        """See `BackfillReporter`."""
        from floe_orchestrator_airflow.service.backfills import backfills_of

        return backfills_of(artifacts, job_name, seconds, self._settings)

    def listeners_of(self, artifacts: CompiledArtifacts, seconds: float) -> Sequence[str]:
        """See `ListenerReporter`."""
        from floe_orchestrator_airflow.service.listeners import listeners_of

        return listeners_of(artifacts, seconds, self._settings)

    def unmanaged_schedule(self, name: str, seconds: float) -> UnmanagedSchedule:
        """See `UnmanagedSchedules`."""
        from floe_orchestrator_airflow.service.unmanaged_dags import UnmanagedDag

        return UnmanagedDag(name, seconds, self._settings)

    def nodes_of_run(
        self, product: CompiledArtifacts, run: RecordedRun, seconds: float
    ) -> NodesOfRun:
        """See `RunHistory`."""
        from floe_orchestrator_airflow.service.run_history import nodes_of_run

        return nodes_of_run(product, run, seconds, self._settings)

    def entry_point_file(self, product_name: str) -> EntryPointFile:
        """See `EntryPointWriter.entry_point_file`."""
        return EntryPointFile(FILENAME, entry_point_text(product_name))

    def launch_run(
        self,
        artifacts: CompiledArtifacts,
        options: RunOptions,
        on_event: Callable[[BuildEvent], None],
    ) -> RunReport:
        """See `RunLauncher.launch_run`."""
        from floe_orchestrator_airflow.local.launch import launch_run

        return launch_run(artifacts, options, on_event)

    def start_early(self, product: UncompiledProduct) -> AbstractContextManager[RunLauncher]:
        """See `EarlyStarter`."""
        from floe_orchestrator_airflow.local.launch import start_early

        return start_early(product)

    def launch_backfill(
        self,
        artifacts: CompiledArtifacts,
        job_name: str,
        ticks: Sequence[datetime],
        on_event: Callable[[BuildEvent], None],
    ) -> list[RunReport]:
        """See `BackfillLauncher.launch_backfill`."""
        from floe_orchestrator_airflow.local.backfill import launch_backfill

        return launch_backfill(artifacts, job_name, ticks, on_event)

    def serve_dev(
        self, products: Sequence[UncompiledProduct], options: DevOptions
    ) -> AbstractContextManager[DevSession]:
        """See `DevServer.serve_dev`."""
        from floe_orchestrator_airflow.local.dev_session import serve_dev

        return serve_dev(products, options)


AirflowPlugin = AirflowOrchestratorPlugin
