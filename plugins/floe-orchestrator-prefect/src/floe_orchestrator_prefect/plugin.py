"""The Prefect plugin class, which core calls. Prefect is imported only where it is needed."""

from __future__ import annotations

from datetime import datetime
from importlib import metadata
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
    from prefect.tasks import MaterializingTask

    from floe_core.schedules.job_schedules import JobSchedules
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts
    from floe_core.schemas.policies import Schedule
    from floe_orchestrator_prefect.flow.product_flows import ProductFlows

LOADER = "floe_orchestrator_prefect.loader.load_product_flows"


class PrefectOrchestratorPlugin(ProductPlugin):
    """Runs floe products on Prefect 3.

    Settings: `url` of the API of the server that `validate_connection` checks and that applies
    changed schedules, with `api_key` or `auth_string` as `env:NAME`; `schedule_store`, a folder or
    URL for schedules, and `project_dir`, the compiled folder of the product whose schedules change;
    `resource_presets`, which replace the resources of a workload size.
    """

    name = "prefect"
    version = metadata.version("floe-orchestration-prefect")
    floe_api_version = "1.0"
    dev_port = 4200

    def create_definitions(self, artifacts: CompiledArtifacts) -> ProductFlows:
        """Return a flow for each job, and a task for each of its nodes."""
        from floe_core.schedules.live_schedules import with_live_schedules
        from floe_orchestrator_prefect.flow.product_flows import product_flows
        from floe_orchestrator_prefect.product_check import check_product

        check_product(artifacts)
        if artifacts.project_dir is None:
            raise invalid(
                f"these artifacts of '{artifacts.product.name}' come from no folder, and Prefect "
                "runs the dbt project in one",
                fix=f"load them with {LOADER}({artifacts.product.name!r}, project_dir)",
            )
        self._define(artifacts)
        return product_flows(with_live_schedules(artifacts), artifacts)

    def create_assets_from_transforms(
        self, transforms: list[TransformConfig]
    ) -> list[MaterializingTask[..., Any]]:
        """Return for each transform a task that materializes its asset; see `transforms`."""
        from floe_orchestrator_prefect.flow.transforms import tasks_from_transforms

        return tasks_from_transforms(transforms)

    def get_helm_values(self) -> dict[str, Any]:
        """Refuse: floe has no chart for Prefect.

        Raises:
            InvalidProductError: `helm` is invalid; lists every problem.
            EnvironmentProblemError: `helm` is valid.
        """
        from floe_core.plugin_api.helm.settings import HelmSettings, helm_settings
        from floe_orchestrator_prefect.cluster import refuse_helm_values

        refuse_helm_values(helm_settings(HelmSettings, self._settings))

    def validate_connection(self) -> ValidationResult:
        """Check the health and the version of Prefect's server."""
        from floe_orchestrator_prefect.service.connection import check_connection

        return check_connection(self._settings)

    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        """Return the resources of the pod or container that runs a product's flow."""
        from floe_core.plugin_api.resource_sizes import resources_for
        from floe_orchestrator_prefect.cluster import RUN_POD

        return resources_for(workload_size, RUN_POD, self._settings.get("resource_presets") or {})

    def _take_up(self, schedules: JobSchedules, job_name: str) -> None:
        from floe_orchestrator_prefect.ticks.schedule_uptake import take_up

        take_up(schedules, job_name, self._settings)

    def ticks_of(self, schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
        """See `TickReporter`."""
        from floe_orchestrator_prefect.ticks.prefect_schedules import moments_of, prefect_schedules

        return moments_of(prefect_schedules(schedule, start), start, end)

    def update_watcher(self, artifacts: CompiledArtifacts, job_name: str) -> str:
        """See `UpdateStarter`."""
        return f"the process that serves {artifacts.product.name}"

    def pool_of_nodes(self, pool: str) -> str:
        """See `NodePools`."""
        return f"the global concurrency limit {pool}"

    # Powers, by the protocols of `floe_core.plugin_api.powers`.
    running_schedule = power(".ticks.schedule_uptake:running_schedule", settings=True)
    concepts = power(".concepts:concepts")
    retry_plan = power(".flow.job_flow:retry_plan")
    check_pools = power(".service.pool_check:check_pools", settings=True)
    recent_runs = power(".service.run_history:recent_runs", settings=True)
    nodes_of_run = power(".service.run_history:nodes_of_run", settings=True)
    listeners_of = power(".service.listeners:listeners_of", settings=True)
    unmanaged_schedule = power(".ticks.unmanaged_deployments:UnmanagedDeployment", settings=True)
    entry_point_file = power(".names.prefect_names:flow_file")
    launch_run = power(".local.launch:LAUNCHER.launch_run")
    start_early = power(".local.launch:LAUNCHER.start_early")
    serve_dev = power(".local.dev_session:serve_dev")


PrefectPlugin = PrefectOrchestratorPlugin
