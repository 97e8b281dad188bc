"""The pods of a release have what the table of sizes says, whatever runs the tasks."""

from __future__ import annotations

from typing import Any

import pytest
from charts import CHARTS
from helm_engine import Object
from pods import Pod

from floe_core import plugin_registry

BY_PLUGIN = {chart.plugin: chart for chart in CHARTS}
SIZES = ("small", "medium", "large")
# Component -> CPU request, memory request and limit: small, medium, large.
DAGSTER = {
    "webserver": ("250m/512Mi", "500m/1Gi", "1/2Gi"),
    "daemon": ("250m/512Mi", "500m/1Gi", "1/2Gi"),
    "code-server": ("250m/512Mi", "250m/1Gi", "500m/2Gi"),
    "run": ("500m/1Gi", "1/4Gi", "4/8Gi"),
}
AIRFLOW = {
    "api-server": ("500m/1Gi", "1/2Gi", "2/4Gi"),
    "scheduler": ("500m/1Gi", "1/2Gi", "2/4Gi"),
    "dag-processor": ("500m/768Mi", "1/2Gi", "2/4Gi"),
    "triggerer": ("250m/768Mi", "500m/1Gi", "1/2Gi"),
}
TASK = {"task": ("250m/512Mi", "1/2Gi", "2/4Gi")}
WORKER = {"worker": ("1/2Gi", "2/4Gi", "4/8Gi")}
CONCURRENCY = dict(zip(SIZES, ("5", "10", "20"), strict=True))
KUBERNETES, CELERY = {"executor": "KubernetesExecutor"}, {"executor": "CeleryExecutor"}
RELEASES: list[tuple[str, dict[str, str], dict[str, tuple[str, str, str]]]] = [
    ("dagster", {}, DAGSTER),
    ("airflow", KUBERNETES, {**AIRFLOW, **TASK}),
    ("airflow", CELERY, {**AIRFLOW, **WORKER}),
]
SHOP = {"name": "shop", "image": "registry.example.com/shop:1"}
each_size = pytest.mark.parametrize("size", SIZES)


def objects_of(plugin: str, helm: dict[str, Any]) -> list[Object]:
    values = plugin_registry.load(plugin, {"helm": helm}).get_helm_values()
    return BY_PLUGIN[plugin].objects(values)


def promised(pods: list[Pod]) -> dict[str, str]:
    """Return component -> what its container is promised; migrations are of no size."""
    found = {}
    for pod in pods:
        resources = pod.spec["containers"][0]["resources"]
        assert resources["limits"]["memory"] == resources["requests"]["memory"], pod.owner
        found[pod.component] = "{cpu}/{memory}".format(**resources["requests"])
    return {name: each for name, each in found.items() if name != "migrations"}


@each_size
@pytest.mark.parametrize(("plugin", "more", "table"), RELEASES, ids=["dagster", "pods", "celery"])
def test_components_have_the_size_of_the_release(
    plugin: str, more: dict[str, str], table: dict[str, tuple[str, str, str]], size: str
) -> None:
    objects = objects_of(plugin, {"size": size, "products": [SHOP], **more})
    wanted = {name: row[SIZES.index(size)] for name, row in table.items()}
    assert promised(BY_PLUGIN[plugin].pods(objects)) == wanted


@each_size
def test_a_product_on_dagster_may_have_a_size_of_its_own(size: str) -> None:
    objects = objects_of("dagster", {"size": "small", "products": [{**SHOP, "size": size}]})
    small = {name: row[0] for name, row in DAGSTER.items()}
    own = {name: DAGSTER[name][SIZES.index(size)] for name in ("code-server", "run")}
    assert promised(BY_PLUGIN["dagster"].pods(objects)) == {**small, **own}


@each_size
def test_large_has_two_of_what_all_others_wait_for_on_airflow(size: str) -> None:
    deployments = replicas(objects_of("airflow", {"size": size}))
    two = ("api-server", "scheduler") if size == "large" else ()
    assert {name for name, number in deployments.items() if number != 1} == set(two)


def replicas(objects: list[Object]) -> dict[str, int]:
    return {
        each["metadata"]["labels"]["app.kubernetes.io/component"]: each["spec"]["replicas"]
        for each in objects
        if each["kind"] == "Deployment"
    }


@each_size
def test_a_worker_runs_as_many_tasks_as_its_size_has_room_for(size: str) -> None:
    objects = objects_of("airflow", {"size": size, **CELERY})
    [worker] = [pod for pod in BY_PLUGIN["airflow"].pods(objects) if pod.component == "worker"]
    args = worker.spec["containers"][0]["args"]
    assert args[args.index("--concurrency") + 1] == CONCURRENCY[size]
