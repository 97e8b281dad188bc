"""The Dagster plugin: what floe's core asks of it. Dagster is imported where objects are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from floe_core.errors import EnvironmentProblemError, invalid
from floe_core.plugin_interfaces import (
    Dataset,
    OrchestratorPlugin,
    ResourceSpec,
    TransformConfig,
    ValidationResult,
)
from floe_core.plugin_powers import EntryPointFile, RunOptions, RunReport

from floe_orchestrator_dagster.entry_point import definitions_file

if TYPE_CHECKING:
    from dagster import AssetsDefinition, Definitions
    from floe_core.execution.events import BuildEvent
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts

LOADER = "floe_orchestrator_dagster.loader.load_product_definitions"


class DagsterOrchestratorPlugin(OrchestratorPlugin):
    """Runs products on Dagster 1.13."""

    name = "dagster"
    version = "0.1.0"
    floe_api_version = "1.0"

    def __init__(self) -> None:
        self._settings: Mapping[str, Any] = {}

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Take `url` and `token` of the webserver, and `resource_presets`."""
        self._settings = dict(settings)

    def create_definitions(self, artifacts: CompiledArtifacts) -> Definitions:
        from floe_orchestrator_dagster.product_definitions import definitions_of

        definitions = definitions_of(artifacts)
        if artifacts.project_dir is None:
            raise invalid(
                "these artifacts come from no folder, so Dagster could not run them",
                fix=f"call {LOADER}(product_name, project_dir)",
            )
        return definitions

    def create_assets_from_transforms(
        self, transforms: list[TransformConfig]
    ) -> list[AssetsDefinition]:
        from floe_orchestrator_dagster.transforms import assets_from_transforms

        return assets_from_transforms(transforms)

    def get_helm_values(self) -> dict[str, Any]:
        raise EnvironmentProblemError(
            "this release of floe has no chart for Dagster, so there are no values to give"
        )

    def validate_connection(self) -> ValidationResult:
        from floe_orchestrator_dagster.connection import check_connection

        return check_connection(self._settings)

    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        from floe_core.resource_sizes import resources_for

        from floe_orchestrator_dagster.run_pod_sizes import RUN_POD

        return resources_for(workload_size, RUN_POD, self._settings.get("resource_presets", {}))

    def emit_lineage_event(
        self, event_type: str, job: str, inputs: list[Dataset], outputs: list[Dataset]
    ) -> None:
        from floe_core.lineage import emit_lineage_event

        emit_lineage_event(event_type, job, inputs, outputs)

    def schedule_job(self, job_name: str, cron: str, timezone: str) -> None:
        from floe_core.schedules import check_timezone, parse_cron

        parse_cron(cron)
        check_timezone(timezone)
        raise EnvironmentProblemError(
            f"this release of floe cannot change the schedule of '{job_name}' live; set it in "
            "floe.yaml and run `floe compile`"
        )

    def entry_point_file(self, product_name: str) -> EntryPointFile:
        """See `EntryPointWriter`."""
        return definitions_file(product_name)

    def launch_run(
        self,
        artifacts: CompiledArtifacts,
        options: RunOptions,
        on_event: Callable[[BuildEvent], None],
    ) -> RunReport:
        """See `RunLauncher`."""
        from floe_orchestrator_dagster.launch import launch

        return launch(artifacts, options, on_event)


DagsterPlugin = DagsterOrchestratorPlugin
