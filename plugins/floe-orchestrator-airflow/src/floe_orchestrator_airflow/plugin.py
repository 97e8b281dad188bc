"""The orchestrator plugin that core finds under the name `airflow`."""

from __future__ import annotations

from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_core.foundation.errors import invalid
from floe_core.plugin_api.lazy_power import power
from floe_core.plugin_api.product_plugin import ProductPlugin
from floe_core.plugin_interfaces import (
    ResourceSpec,
    TransformConfig,
    ValidationResult,
)
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

if TYPE_CHECKING:
    from airflow.sdk import DAG, BaseOperator

    from floe_core.plugin_api.helm.settings import HelmSettings
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
        from floe_orchestrator_airflow.cluster import AirflowHelmSettings, helm_values

        settings = helm_settings(AirflowHelmSettings, self._settings)
        return helm_values(settings, self.get_resource_requirements)

    def chart_folder(self) -> Path:
        """See `ChartOwner`."""
        from floe_orchestrator_airflow.cluster import CHART

        return CHART

    def helm_settings_model(self) -> type[HelmSettings]:
        """See `ChartOwner`."""
        from floe_orchestrator_airflow.cluster import AirflowHelmSettings

        return AirflowHelmSettings

    def validate_connection(self) -> ValidationResult:
        """Check through the API server whether all of Airflow is running and healthy."""
        from floe_orchestrator_airflow.service.connection_check import check_connection

        return check_connection(self._settings)

    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        """Return the resources of a task pod."""
        from floe_core.plugin_api.resource_sizes import resources_for
        from floe_orchestrator_airflow.cluster import TASK_POD_SIZES

        overrides = self._settings.get("resource_presets") or {}
        return resources_for(workload_size, TASK_POD_SIZES, overrides)

    def _take_up(self, schedules: JobSchedules, job_name: str) -> None:
        from floe_orchestrator_airflow.ticks.schedule_uptake import take_up

        take_up(schedules, job_name, self._settings)

    def ticks_of(self, schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
        """See `TickReporter`."""
        from floe_orchestrator_airflow.ticks.airflow_ticks import airflow_ticks

        return list(airflow_ticks(schedule, start, end))

    def update_watcher(self, artifacts: CompiledArtifacts, job_name: str) -> str:
        """See `UpdateStarter`."""
        return f"the asset floe://{artifacts.product.name}/{job_name}/updates"

    # Powers, by the protocols of `floe_core.plugin_api.powers`.
    running_schedule = power(".ticks.schedule_uptake:running_schedule", settings=True)
    concepts = power(".concepts:concepts")
    retry_plan = power(".dag.job_dag:retry_plan")
    check_pools = power(".service.pool_check:check_pools", settings=True)
    recent_runs = power(".service.run_history:recent_runs", settings=True)
    nodes_of_run = power(".service.run_history:nodes_of_run", settings=True)
    backfills_of = power(".service.run_history:backfills_of", settings=True)
    listeners_of = power(".service.listeners:listeners_of", settings=True)
    unmanaged_schedule = power(".service.unmanaged_dags:UnmanagedDag", settings=True)
    entry_point_file = power(".names.airflow_names:dag_file")
    launch_run = power(".local.launch:launch_run")
    start_early = power(".local.launch:start_early")
    launch_backfill = power(".local.backfill:launch_backfill")
    serve_dev = power(".local.dev_session:serve_dev")


AirflowPlugin = AirflowOrchestratorPlugin
