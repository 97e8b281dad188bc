"""Values for charts/floe-dagster, made from the plugin's settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from floe_core.plugin_api.helm.outgoing_ports import schedule_store_ports
from floe_core.plugin_api.helm.settings import (
    HelmProduct,
    HelmSettings,
    StorePlace,
    environment_values,
    image_parts,
    network_values,
    resources_block,
    step_pod_values,
)
from floe_core.plugin_interfaces import ResourceSpec
from floe_orchestrator_dagster.cluster.component_sizes import CODE_SERVER, WEBSERVER_AND_DAEMON

# A symbolic link to charts/floe-dagster; in a wheel, a copy of it.
CHART = Path(__file__).parents[1] / "chart"


class DagsterHelmSettings(HelmSettings):
    """The settings of every chart, and whether code servers reload when schedules change."""

    reloadable: bool = False
    schedule_store: StorePlace = ""


def helm_values(
    settings: DagsterHelmSettings, run_pod: Callable[[str], ResourceSpec]
) -> dict[str, Any]:
    """Return new values. `run_pod` maps a workload size to the resources of a run's pod."""
    service = WEBSERVER_AND_DAEMON[settings.size]
    values: dict[str, Any] = {
        "webserver": {**_replicas(settings), "resources": service.resources()},
        "daemon": {"resources": service.resources()},
        "runs": {"resources": resources_block(run_pod(settings.size))},
        "codeLocations": [_code_location(each, run_pod) for each in settings.products],
        "floe": {"scheduleStore": settings.schedule_store},
        "openLineage": settings.lineage.chart_values(),
        "openTelemetry": settings.tracing.chart_values(),
        **environment_values(settings),
        **network_values(settings, storePorts=schedule_store_ports(settings.schedule_store)),
        **step_pod_values(settings, run_pod(settings.size)),
    }
    if settings.products:
        # Without products there are no code servers to size.
        values["codeServers"] = {
            "reloadable": settings.reloadable,
            "resources": CODE_SERVER[settings.size].resources(),
        }
    if settings.image:
        values["image"] = image_parts(settings.image)
    if settings.image_pull_secrets:
        values["imagePullSecrets"] = list(settings.image_pull_secrets)
    if settings.postgres:
        values["postgres"] = _postgres(settings)
    return values


def _replicas(settings: DagsterHelmSettings) -> dict[str, Any]:
    if settings.autoscaling:
        return {"autoscaling": settings.autoscaling.chart_values()}
    return {"replicas": settings.replicas or 1}


def _code_location(product: HelmProduct, run_pod: Callable[[str], ResourceSpec]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": product.name, "image": image_parts(product.image)}
    if product.size:
        found["resources"] = CODE_SERVER[product.size].resources()
        found["runs"] = {"resources": resources_block(run_pod(product.size))}
    return found


def _postgres(settings: DagsterHelmSettings) -> dict[str, Any]:
    assert settings.postgres is not None
    return {
        "host": settings.postgres.host,
        "port": settings.postgres.port,
        "database": settings.postgres.database,
        "user": settings.postgres.user,
        "existingSecret": settings.postgres.password.name,
        "passwordKey": settings.postgres.password.key,
    }
