"""The pods of Dagster's components have what the table of sizes says."""

from __future__ import annotations

import pytest
from charts import CHARTS
from pods import Pod

from floe_orchestrator_dagster import DagsterPlugin

[CHART] = [each for each in CHARTS if each.plugin == "dagster"]
# CPU request, memory request and limit.
TABLE = {
    "small": {
        "webserver": ("250m", "512Mi"),
        "daemon": ("250m", "512Mi"),
        "code-server": ("250m", "512Mi"),
        "run": ("500m", "1Gi"),
    },
    "medium": {
        "webserver": ("500m", "1Gi"),
        "daemon": ("500m", "1Gi"),
        "code-server": ("250m", "1Gi"),
        "run": ("1", "4Gi"),
    },
    "large": {
        "webserver": ("1", "2Gi"),
        "daemon": ("1", "2Gi"),
        "code-server": ("500m", "2Gi"),
        "run": ("4", "8Gi"),
    },
}
SHOP = {"name": "shop", "image": "registry.example.com/shop:1"}


def pods_of(helm: dict) -> list[Pod]:
    plugin = DagsterPlugin()
    plugin.configure({"helm": helm})
    return CHART.pods(CHART.objects(plugin.get_helm_values()))


def promised(pod: Pod) -> tuple[str, str]:
    resources = pod.spec["containers"][0]["resources"]
    assert resources["limits"]["memory"] == resources["requests"]["memory"]
    return resources["requests"]["cpu"], resources["requests"]["memory"]


@pytest.mark.parametrize("size", TABLE)
def test_components_have_the_size_of_the_release(size: str) -> None:
    found = {pod.component: promised(pod) for pod in pods_of({"size": size, "products": [SHOP]})}
    assert {name: each for name, each in found.items() if name != "migrations"} == TABLE[size]


@pytest.mark.parametrize("size", TABLE)
def test_a_product_may_have_a_size_of_its_own(size: str) -> None:
    pods = pods_of({"size": "small", "products": [{**SHOP, "size": size}]})
    found = {pod.component: promised(pod) for pod in pods}
    own = {name: TABLE[size][name] for name in ("code-server", "run")}
    assert {name: found[name] for name in TABLE["small"]} == {**TABLE["small"], **own}
