"""The interface that every orchestrator plugin implements, and its value types."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from floe_core.schemas.resources import ResourceSpec

if TYPE_CHECKING:
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts

__all__ = [
    "FLOE_API_VERSION",
    "LINEAGE_EVENT_TYPES",
    "WORKLOAD_SIZES",
    "Dataset",
    "OrchestratorPlugin",
    "ResourceSpec",
    "TransformConfig",
    "ValidationResult",
]

FLOE_API_VERSION = "1.0"
WORKLOAD_SIZES = ("small", "medium", "large")
LINEAGE_EVENT_TYPES = ("START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER")


@dataclass(frozen=True)
class TransformConfig:
    """One transform of a product, in terms that no single orchestrator defines.

    `depends_on` holds the names of other transforms, `compute` the name of the compute engine.
    """

    name: str
    path: str = ""
    schema_name: str = ""
    materialization: str = "table"
    tags: list[str] = field(default_factory=list)
    depends_on: list[str] = field(default_factory=list)
    meta: dict[str, Any] = field(default_factory=dict)
    compute: str | None = None


@dataclass(frozen=True)
class ValidationResult:
    """The result of checking a service. `errors` say what to do; no text holds a secret."""

    success: bool
    message: str = ""
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Dataset:
    """A dataset, named as OpenLineage names it, with its facets as OpenLineage spells them."""

    namespace: str
    name: str
    facets: dict[str, Any] = field(default_factory=dict)


class OrchestratorPlugin(ABC):
    """What floe needs from an orchestrator. Constructed without arguments, then configured.

    `floe_api_version` is the version of the interface that the plugin was written for, as "X.Y":
    core loads the plugin if X equals core's own and Y is not newer.
    """

    name: str
    version: str
    floe_api_version: str

    def configure(self, settings: Mapping[str, Any]) -> None:  # noqa: B027 - optional by design
        """Apply `plugins.orchestrator.config` of the manifest. The default ignores it."""

    @abstractmethod
    def create_definitions(self, artifacts: CompiledArtifacts) -> Any:
        """Return the object that the orchestrator loads for this product.

        Raises:
            InvalidProductError: The artifacts are wrong (the error lists every problem), or were
                not loaded from a folder.
        """

    @abstractmethod
    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        """Return one object of the orchestrator for each transform, with its dependencies set.

        Raises:
            ValueError: There is a cycle, a transform depends on itself, or two share a name.
        """

    @abstractmethod
    def get_helm_values(self) -> dict[str, Any]:
        """Return values for the plugin's chart, as a new dict that its closed schema accepts."""

    @abstractmethod
    def validate_connection(self) -> ValidationResult:
        """Check whether the configured service is running and healthy, within 10 seconds.

        Never raises, and never shows a secret.
        """

    @abstractmethod
    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        """Return the resources of the pod that runs a `small`, `medium` or `large` workload.

        Raises:
            ValueError: The size is none of these.
        """

    @abstractmethod
    def emit_lineage_event(
        self, event_type: str, job: str, inputs: list[Dataset], outputs: list[Dataset]
    ) -> None:
        """Emit one OpenLineage run event: START opens a run of `job`, COMPLETE or FAIL closes it.

        Raises:
            ValueError: OpenLineage has no such event type.
        """

    @abstractmethod
    def schedule_job(self, job_name: str, cron: str, timezone: str) -> None:
        """Create or replace the schedule of a job, and store it durably.

        Raises:
            ValueError: The cron expression, time zone or job name is not valid.
        """
