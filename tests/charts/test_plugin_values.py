"""What `get_helm_values` gives is what the chart takes, and the pods get what the sizes say."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from charts import CHARTS, Chart
from helm_engine import ROOT, Object

from floe_core import plugin_registry
from floe_core.helm.settings import resources_block
from floe_core.plugin_interfaces import WORKLOAD_SIZES, ResourceSpec
from floe_core.plugin_powers import ChartOwner

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
OWNED = [each for each in CHARTS if isinstance(plugin_registry.load(each.plugin), ChartOwner)]
each_chart = pytest.mark.parametrize("chart", OWNED, ids=lambda chart: chart.name)
each_size = pytest.mark.parametrize("size", WORKLOAD_SIZES)


def values_of(chart: Chart, settings: dict[str, Any]) -> dict[str, Any]:
    return plugin_registry.load(chart.plugin, settings).get_helm_values()


def launched_resources(chart: Chart, objects: list[Object]) -> list[Object]:
    return [pod.spec["containers"][0]["resources"] for pod in chart.launched(objects)]


@each_size
@each_chart
def test_values_of_a_size_render_pods_of_that_size(chart: Chart, size: str) -> None:
    objects = chart.objects(values_of(chart, {"helm": {"size": size}}))
    told = plugin_registry.load(chart.plugin, {}).get_resource_requirements(size)
    assert launched_resources(chart, objects) == [resources_block(told)]


@each_chart
def test_resource_presets_reach_the_pods(chart: Chart) -> None:
    own = ResourceSpec("123m", "3", "1234Mi", "5Gi")
    presets = {"medium": asdict(own)}
    values = values_of(chart, {"helm": {"size": "medium"}, "resource_presets": presets})
    assert launched_resources(chart, chart.objects(values)) == [resources_block(own)]


@each_size
@each_chart
def test_every_setting_renders(chart: Chart, size: str) -> None:
    values = values_of(chart, {"helm": {**WHOLE, "size": size}})
    text = str(chart.objects(values))
    wanted = [
        "registry.example.com/shop:1.2.3",
        "registry.example.com/ledger:4.5.6",
        "registry.example.com/platform:7",
        "http://lineage:5000",
        "http://otel:4318",
        "HorizontalPodAutoscaler",
    ]
    assert [each for each in wanted if each not in text] == []


@each_size
@each_chart
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
