"""The Dagster plugin class, which core calls. Dagster is imported only where it is needed."""

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

if TYPE_CHECKING:
    from dagster import AssetsDefinition, Definitions

    from floe_core.plugin_api.helm.settings import HelmSettings
    from floe_core.schedules.job_schedules import JobSchedules
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts
    from floe_core.schemas.policies import Schedule

LOADER = "floe_orchestrator_dagster.loader.load_product_definitions"


class DagsterOrchestratorPlugin(ProductPlugin):
    """Runs floe products on Dagster 1.13.

    Settings: `url` of the webserver that `validate_connection` checks and that applies changed
    schedules, and its `token` as `env:NAME`; `schedule_store`, a folder or URL for schedules, and
    `project_dir`, the compiled folder of the product whose schedules change; `resource_presets`,
    which replace the resources of a workload size; `helm`, the input of `get_helm_values`.
    """

    name = "dagster"
    version = metadata.version("floe-orchestration-dagster")
    floe_api_version = "1.0"
    dev_port = 3000

    def create_definitions(self, artifacts: CompiledArtifacts) -> Definitions:
        """Return the product's assets, checks, jobs and schedules."""
        from floe_core.schedules.live_schedules import with_live_schedules
        from floe_orchestrator_dagster.definitions.product_definitions import definitions_of
        from floe_orchestrator_dagster.product_check import check_product

        check_product(artifacts)
        if artifacts.project_dir is None:
            raise invalid(
                f"these artifacts of '{artifacts.product.name}' come from no folder, and Dagster "
                "runs the dbt project in one",
                fix=f"load them with {LOADER}({artifacts.product.name!r}, project_dir)",
            )
        self._define(artifacts)
        return definitions_of(with_live_schedules(artifacts))

    def create_assets_from_transforms(
        self, transforms: list[TransformConfig]
    ) -> list[AssetsDefinition]:
        """Return an asset for each transform; each needs a `FloeDbtResource` named `dbt` to run."""
        from floe_orchestrator_dagster.definitions.transforms import assets_from_transforms

        return assets_from_transforms(transforms)

    def get_helm_values(self) -> dict[str, Any]:
        """Return values for charts/floe-dagster from the setting `helm`, in the size it names.

        Raises:
            InvalidProductError: `helm` is invalid; lists every problem.
        """
        from floe_core.plugin_api.helm.settings import helm_settings
        from floe_orchestrator_dagster.cluster import DagsterHelmSettings, helm_values

        settings = helm_settings(DagsterHelmSettings, self._settings)
        return helm_values(settings, self.get_resource_requirements)

    def chart_folder(self) -> Path:
        """See `ChartOwner`."""
        from floe_orchestrator_dagster.cluster import CHART

        return CHART

    def helm_settings_model(self) -> type[HelmSettings]:
        """See `ChartOwner`."""
        from floe_orchestrator_dagster.cluster import DagsterHelmSettings

        return DagsterHelmSettings

    def validate_connection(self) -> ValidationResult:
        """Check the webserver's code locations and daemons."""
        from floe_orchestrator_dagster.service.connection import check_connection

        return check_connection(self._settings)

    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        """Return the resources of the pod that runs a product's step."""
        from floe_core.plugin_api.resource_sizes import resources_for
        from floe_orchestrator_dagster.cluster import RUN_POD

        return resources_for(workload_size, RUN_POD, self._settings.get("resource_presets") or {})

    def _take_up(self, schedules: JobSchedules, job_name: str) -> None:
        from floe_orchestrator_dagster.ticks.schedule_uptake import take_up

        take_up(schedules, job_name, self._settings)

    def ticks_of(self, schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
        """See `TickReporter`."""
        from floe_orchestrator_dagster.ticks.schedules import dagster_ticks

        return list(dagster_ticks(schedule, start, end))

    def update_watcher(self, artifacts: CompiledArtifacts, job_name: str) -> str:
        """See `UpdateStarter`."""
        from floe_orchestrator_dagster.names.dagster_names import update_sensor_name

        return f"the sensor {update_sensor_name(artifacts, artifacts.job(job_name))}"

    def pool_of_nodes(self, pool: str) -> str:
        """See `NodePools`."""
        return f"the pool {pool}"

    # Powers, by the protocols of `floe_core.plugin_api.powers`.
    running_schedule = power(".ticks.schedule_uptake:running_schedule", settings=True)
    concepts = power(".concepts:concepts")
    retry_plan = power(".definitions.retry_plan:retry_plan")
    check_pools = power(".service.pool_check:check_pools", settings=True)
    recent_runs = power(".service.run_history:recent_runs", settings=True)
    nodes_of_run = power(".service.run_history:nodes_of_run", settings=True)
    backfills_of = power(".service.run_history:backfills_of", settings=True)
    listeners_of = power(".service.listeners:listeners_of", settings=True)
    unmanaged_schedule = power(".service.unmanaged_schedules:DagsterSchedule", settings=True)
    entry_point_file = power(".names.dagster_names:definitions_file")
    launch_run = power(".local.launch:LAUNCHER.launch_run")
    start_early = power(".local.launch:LAUNCHER.start_early")
    serve_dev = power(".local.dev_session:serve_dev")


DagsterPlugin = DagsterOrchestratorPlugin
