"""What `get_helm_values` gives is what the chart takes, and the pods get what the sizes say."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import kubernetes_schemas
import pytest
from charts import CHARTS, Chart
from helm_engine import KUBERNETES, ROOT, Object
from key_coverage import written_keys_without_effect

from floe_core import plugin_registry
from floe_core.plugin_api.helm.settings import resources_block
from floe_core.plugin_interfaces import WORKLOAD_SIZES, ResourceSpec

PRODUCTS = [
    {"name": "shop", "image": "registry.example.com/shop:1.2.3"},
    {"name": "ledger", "image": "registry.example.com/ledger:4.5.6", "size": "large"},
]
WHOLE = {
    "products": PRODUCTS,
    "image": "registry.example.com/platform:7",
    "image_pull_secrets": ["registry"],
    "autoscaling": {"max_replicas": 7},
    "postgres": {
        "host": "db",
        "database": "floe",
        "user": "floe",
        "password": {"name": "db", "key": "password"},
    },
    "lineage": {"url": "http://lineage:5000", "api_key": {"name": "lineage", "key": "key"}},
    "tracing": {"endpoint": "http://otel:4318", "headers": {"name": "otel", "key": "headers"}},
}
BY_PLUGIN = {chart.plugin: chart for chart in CHARTS}
RELEASES = {
    "dagster": (BY_PLUGIN["dagster"], {}),
    "airflow with a pod a task": (BY_PLUGIN["airflow"], {"executor": "KubernetesExecutor"}),
    "airflow with workers": (BY_PLUGIN["airflow"], {"executor": "CeleryExecutor"}),
}
each_release = pytest.mark.parametrize(("chart", "more"), RELEASES.values(), ids=RELEASES)
each_size = pytest.mark.parametrize("size", WORKLOAD_SIZES)


def values_of(chart: Chart, helm: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return plugin_registry.load(chart.plugin, {"helm": helm, **settings}).get_helm_values()


def launched_resources(chart: Chart, objects: list[Object]) -> list[Object]:
    return [pod.spec["containers"][0]["resources"] for pod in chart.launched(objects)]


def pods_expected(more: dict[str, str], spec: ResourceSpec) -> list[Object]:
    """Return the resources of pods that are launched: none where workers run the tasks."""
    return [] if more.get("executor") == "CeleryExecutor" else [resources_block(spec)]


@each_size
@each_release
def test_values_of_a_size_render_pods_of_that_size(
    chart: Chart, more: dict[str, str], size: str
) -> None:
    objects = chart.objects(values_of(chart, {"size": size, **more}))
    told = plugin_registry.load(chart.plugin, {}).get_resource_requirements(size)
    assert launched_resources(chart, objects) == pods_expected(more, told)


@each_release
def test_resource_presets_reach_the_pods(chart: Chart, more: dict[str, str]) -> None:
    own = ResourceSpec("123m", "3", "1234Mi", "5Gi")
    presets = {"medium": asdict(own)}
    values = values_of(chart, {"size": "medium", **more}, resource_presets=presets)
    assert launched_resources(chart, chart.objects(values)) == pods_expected(more, own)


@each_size
@each_release
def test_every_setting_renders(chart: Chart, more: dict[str, str], size: str) -> None:
    objects = chart.objects(values_of(chart, {**WHOLE, **more, "size": size}))
    assert kubernetes_schemas.problems(objects, KUBERNETES[0]) == []
    text = str(objects)
    wanted = [
        "registry.example.com/shop:1.2.3",
        "registry.example.com/ledger:4.5.6",
        "registry.example.com/platform:7",
        "http://lineage:5000",
        "http://otel:4318",
        "HorizontalPodAutoscaler",
    ]
    assert [each for each in wanted if each not in text] == []


@each_release
def test_every_number_of_products_renders(chart: Chart, more: dict[str, str]) -> None:
    for number in range(len(PRODUCTS) + 1):
        objects = chart.objects(values_of(chart, {"products": PRODUCTS[:number], **more}))
        assert kubernetes_schemas.problems(objects, KUBERNETES[0]) == []
        named = [each["name"] for each in PRODUCTS if f"products/{each['name']}" in str(objects)]
        assert named == [each["name"] for each in PRODUCTS[:number]]


@pytest.mark.slow
@pytest.mark.parametrize("helm", [{}, WHOLE], ids=["nothing set", "everything set"])
@each_release
def test_every_key_of_the_values_changes_the_render(
    chart: Chart, more: dict[str, str], helm: dict[str, Any]
) -> None:
    values = values_of(chart, {**helm, **more})
    assert written_keys_without_effect(chart.folder, chart.schema, values) == []


@each_size
@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
def test_the_examples_of_the_sizes_are_what_floe_writes(
    chart: Chart, size: str, tmp_path: Path
) -> None:
    """`floe helm values examples/customer-360 --on NAME --size SIZE --out FILE` writes them."""
    kept = (chart.folder / "examples" / f"{size}.yaml").read_text()
    if not kept.startswith("# Values for "):
        return
    written = tmp_path / f"{size}.yaml"
    command = ["helm", "values", str(ROOT / "examples" / "customer-360"), "--on", chart.plugin]
    floe = Path(sys.executable).with_name("floe")
    subprocess.run([floe, *command, "--size", size, "--out", written], check=True)
    assert written.read_text() == kept
