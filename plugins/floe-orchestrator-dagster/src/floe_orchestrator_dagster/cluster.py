"""Helm values for charts/floe-dagster, made from the plugin's settings, and the sizes of its pods.

Memory measured when idle: webserver 135 MB, daemon 103 to 177 MB, code server 104 MB. The memory
limit equals the request, so that a run never depends on memory that the cluster node may reclaim.
A component has no CPU limit, since a throttled one fails its probes; that of a run is twice the
request: dbt waits for the warehouse most of the time and parses in bursts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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

RUN_POD = {
    "small": ResourceSpec("500m", "1", "1Gi", "1Gi"),
    "medium": ResourceSpec("1", "2", "4Gi", "4Gi"),
    "large": ResourceSpec("4", "8", "8Gi", "8Gi"),
}

# A symbolic link to charts/floe-dagster; in a wheel, a copy of it.
CHART = Path(__file__).parent / "chart"


@dataclass(frozen=True)
class ComponentSize:
    """The resources that a component requests, as Kubernetes quantities."""

    cpu: str
    memory: str

    def resources(self) -> dict[str, dict[str, str]]:
        """Return the resources in the chart's form; an empty limit is left out."""
        return {
            "requests": {"cpu": self.cpu, "memory": self.memory},
            "limits": {"cpu": "", "memory": self.memory},
        }


WEBSERVER_AND_DAEMON = {
    "small": ComponentSize("250m", "512Mi"),
    "medium": ComponentSize("500m", "1Gi"),
    "large": ComponentSize("1", "2Gi"),
}
CODE_SERVER = {
    "small": ComponentSize("250m", "512Mi"),
    "medium": ComponentSize("250m", "1Gi"),
    "large": ComponentSize("500m", "2Gi"),
}


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
