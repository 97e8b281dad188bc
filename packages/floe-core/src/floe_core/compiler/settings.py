"""Copy the settings of floe.yaml and manifest.yaml to the artifacts."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from floe_core.compiler.inputs import Inputs
from floe_core.compiler.profile import fill_placeholders
from floe_core.foundation.errors import UsageError
from floe_core.lineage.backend import manifest_transport
from floe_core.lineage.naming import without_credentials
from floe_core.schedules import tzdata_version
from floe_core.schemas.compiled_artifacts import Product
from floe_core.schemas.manifest_yaml import LineageSwitch, Manifest, ResourcePreset
from floe_core.schemas.policies import (
    AlertRule,
    DbtFiles,
    ExecutionPolicy,
    LineageSettings,
    TracingSettings,
)
from floe_core.schemas.resources import ResourceSpec
from floe_core.storage.environment_choice import unknown_environment


def plugin_settings(manifest: Manifest, environment: str = "") -> dict[str, Any]:
    """Return the configuration of the orchestrator's plugin.

    That is `plugins.orchestrator.config`, with the `resource_presets` of the manifest and of one of
    its environments under that key.

    Raises:
        UsageError: The manifest has no such environment.
    """
    chosen = {**manifest.resource_presets, **_presets_of(manifest, environment)}
    presets = {size: preset.model_dump() for size, preset in chosen.items()}
    config = manifest.plugins.orchestrator.config
    return {**config, "resource_presets": presets} if presets else dict(config)


def _presets_of(manifest: Manifest, environment: str) -> dict[Any, ResourcePreset]:
    if not environment:
        return {}
    if environment not in manifest.environments:
        known = sorted(manifest.environments)
        raise UsageError(unknown_environment(environment, known, manifest.metadata.name))
    return dict(manifest.environments[environment].resource_presets)


def product_settings(inputs: Inputs) -> dict[str, Any]:
    """Return the fields of the artifacts that come directly from the two files."""
    manifest, spec = inputs.manifest, inputs.spec
    return {
        "product": Product(**spec.metadata.model_dump()),
        "execution": ExecutionPolicy(
            **spec.execution.model_dump(exclude={"dbt_executable", "pool"}),
            pool=spec.execution.pool or "",
        ),
        "lineage": lineage_settings(inputs),
        "tracing": tracing_settings(manifest),
        "alerts": alert_rules(inputs),
        "dbt_files": DbtFiles(**spec.artifacts.model_dump()) if spec.artifacts else None,
        "resources": {
            size: ResourceSpec(**preset.model_dump())
            for size, preset in manifest.resource_presets.items()
        },
        "tzdata_version": tzdata_version(),
    }


def alert_rules(inputs: Inputs) -> tuple[AlertRule, ...]:
    """Return the platform's rules for alerts, then the product's; equal ones once."""
    theirs = [AlertRule(on=tuple(each.on), to=each.to) for each in inputs.manifest.alerts]
    own = [
        AlertRule(on=tuple(each.on), to=each.to, jobs=tuple(each.jobs))
        for each in inputs.spec.alerts
    ]
    return tuple(dict.fromkeys([*theirs, *own]))


def ledger_from(inputs: Inputs) -> str:
    """Return the place of the ledger for the artifacts.

    A relative folder is relative to the manifest's folder in the manifest, and to the product's
    folder in the artifacts.
    """
    place = inputs.manifest.ledger or ""
    is_relative = "://" not in place and "{" not in place and "$" not in place
    if not place or not is_relative or place.startswith(("/", "env:")):
        return place
    folder = inputs.manifest_document.path.parent / place
    return os.path.relpath(folder.resolve(), inputs.product_dir.resolve())


def tracing_settings(manifest: Manifest) -> TracingSettings:
    """Return the manifest's settings for tracing."""
    tracing = manifest.observability.tracing
    return TracingSettings(
        enabled=tracing.enabled, exporter=tracing.exporter or "", endpoint=tracing.endpoint or ""
    )


def lineage_settings(inputs: Inputs) -> LineageSettings:
    """Return the manifest's settings for lineage."""
    manifest = inputs.manifest
    backend = manifest.plugins.lineage_backend
    lineage = manifest.observability.lineage
    found = LineageSettings(
        enabled=lineage.enabled,
        namespace=lineage.namespace,
        dataset_namespace=without_credentials(
            str(fill_placeholders(lineage.dataset_namespace or "", inputs))
        ),
        backend=backend.type if backend else "",
        config=backend.config if backend else {},
    )
    if manifest_transport(found):
        return found
    return found.model_copy(update={"config": {**found.config, **_transport_of(lineage)}})


def _transport_of(lineage: LineageSwitch) -> dict[str, Any]:
    """Return `transport` and `endpoint` as an OpenLineage transport, empty if they name none.

    The endpoint is the whole URL that events are posted to; OpenLineage's `http` requires its path
    as a separate setting.
    """
    if not (lineage.transport or lineage.endpoint):
        return {}
    transport: dict[str, Any] = {"type": lineage.transport or "http"}
    if lineage.endpoint:
        parts = urlsplit(lineage.endpoint)
        base, path = urlunsplit((parts.scheme, parts.netloc, "", "", "")), parts.path.strip("/")
        transport |= {"url": base, **({"endpoint": path} if path else {})}
    return transport
