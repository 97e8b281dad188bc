"""Values for charts/floe-airflow, made from the plugin's settings."""

from __future__ import annotations

from collections.abc import Callable
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
from floe_orchestrator_airflow.cluster.component_sizes import COMPONENT_SIZES, ComponentSize

# A symbolic link to charts/floe-airflow; in a wheel, a copy of it.
CHART = Path(__file__).parents[1] / "chart"
TaskPod = Callable[[str], ResourceSpec]


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
