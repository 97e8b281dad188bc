"""Containers of a team's own run beside or before those of the chart, and are as restricted."""

from __future__ import annotations

import copy
from typing import Any

import kubernetes_schemas
import pytest
import restricted_pods
from charts import CHARTS, Chart, each_chart
from pods import Pod

pytestmark = pytest.mark.long

RESOURCES = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "32Mi"}}
SIDECAR = {"name": "logs", "image": "logs:1", "resources": RESOURCES}
PROXY = {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always", "resources": RESOURCES}
# Component label -> its key in the values; those in the second may have no sidecar, since they end.
STAYING: dict[str, dict[str, str]] = {
    "floe-dagster": {"webserver": "webserver", "daemon": "daemon", "code-server": "codeServers"},
    "floe-airflow": {
        "api-server": "apiServer",
        "scheduler": "scheduler",
        "dag-processor": "dagProcessor",
        "triggerer": "triggerer",
        "worker": "workers",
    },
}
ENDING = {
    "floe-dagster": {"run": "runs", "migrations": "migrations"},
    "floe-airflow": {
        "task": "taskPods",
        "migrations": "migrations",
        "db-cleanup": "databaseCleanup",
    },
}
NEEDED: dict[str, list[dict[str, Any]]] = {
    "floe-dagster": [{"codeLocations": [{"name": "shop"}]}],
    "floe-airflow": [
        {"executor": executor, "databaseCleanup": {"enabled": True}}
        for executor in ("KubernetesExecutor", "CeleryExecutor")
    ],
}


def pods_with(chart: Chart, sidecar: dict[str, Any], proxy: dict[str, Any]) -> list[Pod]:
    """Return all pods of a chart with both in every component that takes them."""
    values: dict[str, Any] = {
        key: {"extraContainers": [sidecar], "extraInitContainers": [proxy]}
        for key in STAYING[chart.name].values()
    }
    values |= {key: {"extraInitContainers": [proxy]} for key in ENDING[chart.name].values()}
    found = []
    for needed in NEEDED[chart.name]:
        objects = chart.objects(values, needed)
        assert kubernetes_schemas.problems(objects, "1.32.0") == []
        found += chart.pods(objects)
    return found


@each_chart
def test_every_pod_of_the_chart_takes_them(chart: Chart) -> None:
    pods = pods_with(chart, SIDECAR, PROXY)
    staying, ending = STAYING[chart.name], ENDING[chart.name]
    assert {pod.component for pod in pods} == {*staying, *ending}
    for pod in pods:
        # Before the chart's own, which may wait for a database that only the proxy reaches.
        assert pod.spec["initContainers"][0]["name"] == "proxy", pod.owner
        assert pod.spec["initContainers"][0]["restartPolicy"] == "Always"
        names = [each["name"] for each in pod.spec["containers"]]
        assert ("logs" in names[1:]) == (pod.component in staying), pod.owner


@each_chart
def test_pods_are_still_restricted(chart: Chart) -> None:
    assert restricted_pods.findings(pods_with(chart, SIDECAR, PROXY), chart.launchers) == [
        # Celery's scheduler starts no pods.
        *(
            ["Deployment/floe-floe-airflow-scheduler: automountServiceAccountToken is False"]
            if chart.name == "floe-airflow"
            else []
        )
    ]


@each_chart
def test_a_field_that_they_set_is_theirs_and_the_others_stay(chart: Chart) -> None:
    loose = {"securityContext": {"readOnlyRootFilesystem": False, "runAsUser": 2000}}
    pods = pods_with(chart, copy.deepcopy(SIDECAR) | loose, PROXY)
    sidecars = [each for pod in pods for each in pod.containers if each["name"] == "logs"]
    assert sidecars
    for sidecar in sidecars:
        assert sidecar["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": False,
            "runAsNonRoot": True,
            "runAsUser": 2000,
        }


def test_a_code_location_has_its_own_beside_those_of_all() -> None:
    chart = next(chart for chart in CHARTS if chart.name == "floe-dagster")
    own = {"extraContainers": [{**SIDECAR, "name": "own"}], "extraInitContainers": [PROXY]}
    locations = [{"name": "shop", **own}, {"name": "ledger"}]
    objects = chart.objects(
        {"codeLocations": locations, "codeServers": {"extraContainers": [SIDECAR]}}
    )
    found = {
        pod.labels["floe.dev/code-location"]: [each["name"] for each in pod.containers]
        for pod in chart.pods(objects)
        if pod.component == "code-server"
    }
    assert found == {
        "shop": ["proxy", "code-server", "logs", "own"],
        "ledger": ["code-server", "logs"],
    }


def test_a_migration_that_has_another_init_container_is_another_job() -> None:
    chart = next(chart for chart in CHARTS if chart.name == "floe-airflow")
    names = {
        each["metadata"]["name"]
        for values in ({}, {"migrations": {"extraInitContainers": [PROXY]}})
        for each in chart.objects(values)
        if each["kind"] == "Job"
    }
    assert len(names) == 2
