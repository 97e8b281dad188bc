"""What the values say of every pod holds for every pod, those that are launched later included."""

from __future__ import annotations

from typing import Any

import pytest
from charts import Chart, each_chart
from helm_engine import HelmRefusedError, rendered_text
from pods import Pod

MORE = {"name": "more", "mountPath": "/more"}
PLACE = {
    "nodeSelector": {"pool": "data"},
    "tolerations": [{"key": "data", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
}
EVERY = {
    **PLACE,
    "labels": {"team": "data"},
    "imagePullSecrets": ["registry"],
    "extraEnv": [{"name": "PGSSLROOTCERT", "value": "/more/root.crt"}],
    "extraVolumes": [{"name": "more", "emptyDir": {}}],
    "extraVolumeMounts": [MORE],
}
PRODUCTS: dict[str, dict[str, Any]] = {
    "floe-dagster": {"codeLocations": [{"name": "shop"}]},
    "floe-airflow": {"products": [{"name": "shop", "image": {"repository": "shop", "tag": "1"}}]},
}
CHANGED = {"floe-dagster": "daemon", "floe-airflow": "scheduler"}
OWN_LABELS = ("app.kubernetes.io/component", "app.kubernetes.io/instance", "helm.sh/chart")


def pods_of(chart: Chart, values: dict[str, Any]) -> list[Pod]:
    of_chart = {**PRODUCTS[chart.name], "postgresql": {"enabled": True}}
    return chart.pods(chart.objects({**of_chart, **values}))


@each_chart
def test_containers_have_the_environment_and_the_mounts_of_all(chart: Chart) -> None:
    """Those that wait for a database too: its certificate may be among them."""
    without = [
        container["name"]
        for pod in pods_of(chart, EVERY)
        for container in pod.containers
        if EVERY["extraEnv"][0] not in container.get("env", [])
        or MORE not in container["volumeMounts"]
    ]
    # These neither ask a database nor run anything of a product.
    assert set(without) <= {"fetch-shop", "postgresql"}


@each_chart
def test_pods_have_the_labels_and_places_of_all(chart: Chart) -> None:
    for pod in pods_of(chart, EVERY):
        assert pod.labels["team"] == "data", pod.owner
        assert {key: pod.spec.get(key) for key in PLACE} == PLACE, pod.owner
        assert pod.spec["imagePullSecrets"] == [{"name": "registry"}], pod.owner


@each_chart
def test_a_components_label_goes_before_that_of_all(chart: Chart) -> None:
    component = CHANGED[chart.name]
    values = {"labels": {"team": "data"}, component: {"podLabels": {"team": "platform"}}}
    teams = {pod.component: pod.labels["team"] for pod in pods_of(chart, values)}
    assert teams == {**dict.fromkeys(teams, "data"), component: "platform"}


@pytest.mark.parametrize("label", OWN_LABELS)
@each_chart
def test_a_label_that_the_chart_sets_itself_is_refused(chart: Chart, label: str) -> None:
    for values in ({"labels": {label: "x"}}, {CHANGED[chart.name]: {"podLabels": {label: "x"}}}):
        with pytest.raises(HelmRefusedError, match=label):
            rendered_text(chart.folder, values)
