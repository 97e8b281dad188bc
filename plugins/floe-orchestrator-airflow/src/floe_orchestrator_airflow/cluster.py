"""Helm values for charts/floe-airflow, made from the plugin's settings, and the sizes of its pods.

Memory measured when idle, in MB: api-server 277, scheduler 318 to 424, dag-processor 177 (325 while
it parses), triggerer 256 (376 with a run of 100 nodes). The memory limit equals the request; CPU
has no limit, since a throttled component fails its probes. A worker's tasks share its resources.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from floe_core.plugin_api.helm.outgoing_ports import schedule_store_ports
from floe_core.plugin_api.helm.settings import (
    HelmAutoscaling,
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
from floe_core.schemas.frozen import SnakeModel

# The memory limit equals the request, so that a pod is never evicted for using what it requested.
# The CPU limit is twice the request: dbt waits for the warehouse most of the time and parses in
# bursts.
TASK_POD_SIZES = {
    "small": ResourceSpec("250m", "500m", "512Mi", "512Mi"),
    "medium": ResourceSpec("1", "2", "2Gi", "2Gi"),
    "large": ResourceSpec("2", "4", "4Gi", "4Gi"),
}

# A symbolic link to charts/floe-airflow; in a wheel, a copy of it.
CHART = Path(__file__).parent / "chart"
TaskPod = Callable[[str], ResourceSpec]


@dataclass(frozen=True)
class ComponentSize:
    """The resources that one pod of a component requests, and the number of pods."""

    cpu: str
    memory: str
    replicas: int = 1

    def resources(self) -> dict[str, dict[str, str]]:
        """Return the resources in the chart's form; an empty limit is left out."""
        return {
            "requests": {"cpu": self.cpu, "memory": self.memory},
            "limits": {"cpu": "", "memory": self.memory},
        }


@dataclass(frozen=True)
class Components:
    """All components of one size. Only CeleryExecutor uses `workers`."""

    api_server: ComponentSize
    api_processes: int
    scheduler: ComponentSize
    dag_processor: ComponentSize
    triggerer: ComponentSize
    workers: ComponentSize
    concurrency: int


COMPONENT_SIZES = {
    "small": Components(
        api_server=ComponentSize("500m", "1Gi"),
        api_processes=1,
        scheduler=ComponentSize("500m", "1Gi"),
        dag_processor=ComponentSize("500m", "768Mi"),
        triggerer=ComponentSize("250m", "768Mi"),
        workers=ComponentSize("1", "2Gi", replicas=2),
        concurrency=5,
    ),
    "medium": Components(
        api_server=ComponentSize("1", "2Gi"),
        api_processes=2,
        scheduler=ComponentSize("1", "2Gi"),
        dag_processor=ComponentSize("1", "2Gi"),
        triggerer=ComponentSize("500m", "1Gi"),
        workers=ComponentSize("2", "4Gi", replicas=2),
        concurrency=10,
    ),
    "large": Components(
        api_server=ComponentSize("2", "4Gi", replicas=2),
        api_processes=4,
        scheduler=ComponentSize("2", "4Gi", replicas=2),
        dag_processor=ComponentSize("2", "4Gi"),
        triggerer=ComponentSize("1", "2Gi"),
        workers=ComponentSize("4", "8Gi", replicas=2),
        concurrency=20,
    ),
}


class HelmWorkers(SnakeModel):
    """The workers of CeleryExecutor; with None the size sets their number."""

    replicas: Annotated[int, Field(ge=1)] | None = None
    autoscaling: HelmAutoscaling | None = None


class AirflowHelmSettings(HelmSettings):
    """The settings of every chart, and where tasks run and where changed schedules are stored.

    `image` is that of every pod. A product with a different image is copied out of that image.
    """

    executor: Literal["KubernetesExecutor", "CeleryExecutor"] = "KubernetesExecutor"
    workers: HelmWorkers = HelmWorkers()
    schedule_store: StorePlace = ""


def helm_values(settings: AirflowHelmSettings, task_pod: TaskPod) -> dict[str, Any]:
    """Return new values. `task_pod` maps a workload size to the resources of a task's pod."""
    size = COMPONENT_SIZES[settings.size]
    values: dict[str, Any] = {
        "executor": settings.executor,
        "apiServer": {
            **_scale(size.api_server, settings.replicas, settings.autoscaling),
            "workers": size.api_processes,
        },
        "scheduler": _scale(size.scheduler),
        "dagProcessor": _scale(size.dag_processor),
        "triggerer": _scale(size.triggerer),
        "products": [_product(each, settings, task_pod) for each in settings.products],
        "scheduleStore": settings.schedule_store,
        "openLineage": settings.lineage.chart_values(),
        "openTelemetry": settings.tracing.chart_values(),
        **environment_values(settings),
        **network_values(
            settings, scheduleStorePorts=schedule_store_ports(settings.schedule_store)
        ),
        **step_pod_values(settings, task_pod(settings.size)),
        **_where_tasks_run(settings, task_pod),
    }
    if settings.image:
        values["image"] = image_parts(settings.image)
    if settings.image_pull_secrets:
        values["imagePullSecrets"] = list(settings.image_pull_secrets)
    if settings.postgres:
        values["database"] = _database(settings)
    return values


def _scale(
    size: ComponentSize,
    replicas: int | None = None,
    autoscaling: HelmAutoscaling | None = None,
) -> dict[str, Any]:
    """Return a component with its number of pods, or with its autoscaling."""
    if autoscaling:
        return {"resources": size.resources(), "autoscaling": autoscaling.chart_values()}
    return {"resources": size.resources(), "replicas": replicas or size.replicas}


def _where_tasks_run(settings: AirflowHelmSettings, task_pod: TaskPod) -> dict[str, Any]:
    if settings.executor == "KubernetesExecutor":
        return {"taskPods": {"resources": resources_block(task_pod(settings.size))}}
    size, wanted = COMPONENT_SIZES[settings.size], settings.workers
    workers = _scale(size.workers, wanted.replicas, wanted.autoscaling)
    return {"workers": {**workers, "concurrency": size.concurrency}}


def _product(
    product: HelmProduct, settings: AirflowHelmSettings, task_pod: TaskPod
) -> dict[str, Any]:
    found: dict[str, Any] = {"name": product.name}
    if product.image != settings.image:
        found["image"] = image_parts(product.image)
    if product.size and settings.executor == "KubernetesExecutor":
        found["resources"] = resources_block(task_pod(product.size))
    return found


def _database(settings: AirflowHelmSettings) -> dict[str, Any]:
    assert settings.postgres is not None
    return {
        "host": settings.postgres.host,
        "port": settings.postgres.port,
        "name": settings.postgres.database,
        "user": settings.postgres.user,
        "existingSecret": settings.postgres.password.name,
        "passwordKey": settings.postgres.password.key,
    }
