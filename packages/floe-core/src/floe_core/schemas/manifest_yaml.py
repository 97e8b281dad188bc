"""manifest.yaml: what a platform team decides for every product."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from floe_core.schemas.frozen import (
    ApiVersion,
    Name,
    ShortText,
    SnakeModel,
    Text,
    Vars,
    Version,
)
from floe_core.schemas.policies import AlertKind
from floe_core.schemas.text_forms import QUANTITY

# Sections of the public format that compile ignores, each named once in a notice.
UNUSED_SECTIONS = frozenset(
    {
        "approved_products",
        "catalog",
        "data_architecture",
        "data_quality",
        "governance",
        "identity",
        "network",
        "parent_manifest",
        "scope",
        "secrets",
        "storage",
    }
)
UNUSED_PLUGINS = frozenset(
    {
        "catalog",
        "dbt",
        "identity",
        "ingestion",
        "quality",
        "rbac",
        "secrets",
        "semantic_layer",
        "storage",
        "telemetry_backend",
        "alert_channel",
        "network_security",
    }
)

UNUSED_OBSERVABILITY = frozenset({"logging"})

Quantity = Annotated[str, StringConstraints(pattern=QUANTITY.pattern)]


class ManifestMetadata(SnakeModel):
    """The platform's identity."""

    name: Name
    version: Version
    owner: Text = ""
    description: Text = ""


class PluginChoice(SnakeModel):
    """One plugin: its type, and the settings it takes, secrets as `env_var()` only."""

    type: ShortText
    version: ShortText | None = None
    config: dict[str, Any] = {}
    connection_secret_ref: ShortText | None = None


class ComputeChoice(PluginChoice):
    """The dbt adapter. `connection` names a connection of the orchestrator for its credentials."""

    connection: ShortText | None = None


class Plugins(SnakeModel):
    """The plugins that floe uses. Without `compute`, the product's own profiles.yml is used."""

    orchestrator: PluginChoice
    compute: ComputeChoice | None = None
    lineage_backend: PluginChoice | None = None


class LineageSwitch(SnakeModel):
    """Whether lineage events are emitted, in which OpenLineage namespaces, and where they go.

    `namespace` is that of jobs, `dataset_namespace` that of datasets. `transport` and `endpoint`
    name a backend if `plugins.lineage_backend` names none: the type of an OpenLineage transport,
    and the URL that events are posted to.
    """

    enabled: bool = True
    namespace: ShortText = "floe"
    dataset_namespace: ShortText | None = None
    transport: ShortText | None = None
    endpoint: ShortText | None = None


class TracingSwitch(SnakeModel):
    """Whether to emit OpenTelemetry spans even if the environment does not request them.

    `exporter` and `endpoint` apply if OpenTelemetry's environment variables are not set.
    """

    enabled: bool = False
    exporter: ShortText | None = None
    endpoint: ShortText | None = None


class Observability(SnakeModel):
    """What a run reports outside the orchestrator."""

    lineage: LineageSwitch = LineageSwitch()
    tracing: TracingSwitch = TracingSwitch()


class PlatformAlert(SnakeModel):
    """Who is alerted of which events of every product's runs: an Apprise URL, by reference only."""

    on: Annotated[list[AlertKind], Field(min_length=1)]
    to: ShortText


class ResourcePreset(SnakeModel):
    """An override of one workload size, in Kubernetes quantities."""

    cpu_request: Quantity
    cpu_limit: Quantity
    memory_request: Quantity
    memory_limit: Quantity


class Defaults(SnakeModel):
    """The defaults for products that do not set a value."""

    timezone: ShortText = "UTC"
    compute: ShortText | None = None


class EnvironmentSchedule(SnakeModel):
    """The schedule of a job in an environment; fields left out are as in floe.yaml."""

    cron: ShortText | None = None
    timezone: ShortText | None = None
    enabled: bool | None = None


class EnvironmentSchedules(SnakeModel):
    """Schedules in an environment: all on or off, and different ones for some jobs.

    `jobs` names a job as `<product>.<job>`, and the product's own schedule as `<product>`.
    """

    enabled: bool | None = None
    jobs: dict[ShortText, EnvironmentSchedule] = {}


class EnvironmentLineage(SnakeModel):
    """The OpenLineage namespace of jobs in an environment."""

    namespace: ShortText | None = None


class Environment(SnakeModel):
    """What differs in one environment: values only, never the graph.

    `target` is dbt's. `compute` are settings that override those of `plugins.compute.config`, for a
    target named like the environment unless `target` says otherwise; `connection` overrides that of
    `plugins.compute`. `threads` is dbt's number of threads.
    """

    target: ShortText | None = None
    connection: ShortText | None = None
    compute: dict[str, Any] = {}
    vars: Vars = {}
    threads: Annotated[int, Field(ge=1)] | None = None
    schedules: EnvironmentSchedules = EnvironmentSchedules()
    lineage: EnvironmentLineage = EnvironmentLineage()
    resource_presets: dict[Literal["small", "medium", "large"], ResourcePreset] = {}


class Manifest(SnakeModel):
    """The whole of manifest.yaml."""

    api_version: Annotated[ApiVersion, Field(alias="apiVersion")]
    kind: Literal["Manifest"]
    metadata: ManifestMetadata
    plugins: Plugins
    observability: Observability = Observability()
    alerts: list[PlatformAlert] = []
    resource_presets: dict[Literal["small", "medium", "large"], ResourcePreset] = {}
    approved_plugins: dict[str, list[ShortText]] = {}
    defaults: Defaults = Defaults()
    environments: dict[Name, Environment] = {}
    products: dict[Name, ShortText] = {}
    ledger: ShortText | None = None
