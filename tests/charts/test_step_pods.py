"""Steps with an image, started from the pods that run products, with their Role and no more."""

from __future__ import annotations

import json
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from chart_values import merged
from charts import CHARTS, Chart
from helm_engine import Object
from kubernetes_of_steps import kubernetes
from local_certificate import write_certificate
from pod_process import PodProcess, Surroundings, need_namespaces
from pods import Pod, pods
from rendered_roles import RenderedRoles
from restricted_pods import findings

from floe_core.execution.steps.call import ImageOrder
from floe_kubernetes.pod import make_pod

RUN_IMAGE = "floe_kubernetes.run_image"
TEMPLATE = {"spec": {"serviceAccountName": "training", "tolerations": [{"operator": "Exists"}]}}
ON: dict[str, Any] = {"stepPods": {"enabled": True, "template": TEMPLATE}}
# What runs products in each chart.
RUNNERS = [
    ("floe-dagster", "run", {"codeLocations": [{"name": "shop"}]}),
    ("floe-airflow", "task", {"executor": "KubernetesExecutor"}),
    ("floe-airflow", "worker", {"executor": "CeleryExecutor"}),
]
each_runner = pytest.mark.parametrize(("name", "component", "values"), RUNNERS)


def chart_of(name: str) -> Chart:
    [found] = [chart for chart in CHARTS if chart.name == name]
    return found


def runner(chart: Chart, objects: list[Object], component: str) -> Pod:
    """Return the pod that runs products."""
    return next(pod for pod in chart.pods(objects) if pod.component == component)


def order(facts: Path) -> str:
    """Return what a step asks for; its image says hello, and a fact."""
    says = 'import os; print("hello"); open(os.environ["FLOE_FACTS_FILE"], "w").write("{}")'
    asked = {
        "product": "shop",
        "step": "train",
        "run_id": "one",
        "root_run_id": "one",
        "attempt": 1,
        "image": "registry.example.com/train:1.4",
        "command": [sys.executable, "-c", says],
        "variables": [],
        "facts_file": str(facts),
        "timeout_seconds": 60,
    }
    return json.dumps(asked)


@each_runner
def test_runs_may_do_what_a_step_with_an_image_takes_and_no_more(
    tmp_path: Path, name: str, component: str, values: dict[str, Any]
) -> None:
    need_namespaces()
    chart = chart_of(name)
    objects = chart.objects(values, ON)
    pod = runner(chart, objects, component)
    account = pod.spec["serviceAccountName"]
    roles = RenderedRoles(objects, {"a-token": account})
    keys = write_certificate(tmp_path)
    container = next(
        each for each in pod.containers if each["name"] in ("base", "worker", "dagster")
    )
    with kubernetes(
        tmp_path / "cluster",
        keys=keys,
        allows=lambda token, verb, resource: roles.allows(token, verb, "", resource),
    ) as (cluster, _):
        around = Surroundings(
            folder=tmp_path / "pods",
            objects=objects,
            secrets={},
            image={},
            services=[],
            own_env={
                "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                "KUBERNETES_SERVICE_PORT": str(cluster.port),
            },
            token_of={account: "a-token"},
            certificate=keys[1],
        )
        command = [sys.executable, "-m", RUN_IMAGE, order(Path("/tmp/facts"))]
        # Its own secrets are of no concern here.
        env = [each for each in container["env"] if "valueFrom" not in each]
        started = {**container, "command": command, "args": [], "env": env, "envFrom": []}
        process = PodProcess(pod, started, around, "run-pod")
        process.start()
        assert process.wait(60) == 0, process.log.read_text()
    assert "hello" in process.log.read_text().splitlines()
    assert roles.refused == []
    assert roles.acts == {act for act in roles.granted() if act.account == account}
    [made] = cluster.created
    spec, [of_step] = made["spec"], made["spec"]["containers"]
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("training", False)
    assert spec["securityContext"]["runAsNonRoot"]
    assert of_step["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@each_runner
def test_runs_have_no_token_and_no_role_unless_that_is_asked_for(
    name: str, component: str, values: dict[str, Any]
) -> None:
    chart = chart_of(name)
    objects = chart.objects(values)
    pod = runner(chart, objects, component)
    assert pod.spec["automountServiceAccountToken"] is False
    granted = RenderedRoles(objects, {}).granted()
    assert not any(act.account == pod.spec["serviceAccountName"] for act in granted)


CONTAINERS = {
    "spec": {
        "initContainers": [{"name": "fetch", "image": "fetch:1"}],
        "containers": [
            {"name": "step", "resources": {"limits": {"memory": "1Gi"}}},
            {"name": "proxy", "image": "proxy:1", "securityContext": {"runAsUser": 7}},
        ],
    }
}


@each_runner
def test_a_template_with_containers_is_as_restricted_as_one_without(
    name: str, component: str, values: dict[str, Any]
) -> None:
    chart = chart_of(name)
    objects = chart.objects(values, {"stepPods": {"enabled": True, "template": CONTAINERS}})
    pod = step_pod(objects)
    found = [*pod["spec"]["initContainers"], *pod["spec"]["containers"]]
    assert [each["name"] for each in found] == ["fetch", "step", "proxy"]
    for container in found:
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
    # A namespace with a quota takes no container without resources.
    defaults = default_resources(chart)
    assert [each["resources"] for each in found] == [
        defaults,
        {"limits": {"memory": "1Gi"}},
        defaults,
    ]
    assert found[2]["securityContext"]["runAsUser"] == 7


# A step's image is a team's own, which may write where it likes, as no account that matters.
STEPS_MAY = ("may write to its root file system", "runs as the namespace's default ServiceAccount")


@each_runner
@pytest.mark.parametrize(
    "template", [{}, TEMPLATE, CONTAINERS], ids=["none", "plain", "containers"]
)
def test_the_pod_of_a_step_runs_where_only_restricted_ones_may(
    name: str, component: str, values: dict[str, Any], template: dict[str, Any]
) -> None:
    if template is CONTAINERS:  # A user or resources of its own are the platform's choice.
        template = deepcopy(CONTAINERS)
        for container in template["spec"]["containers"]:
            container.pop("securityContext", None)
            container.pop("resources", None)
    objects = chart_of(name).objects(values, {"stepPods": {"enabled": True, "template": template}})
    found = findings(pods([started_pod(objects)]))
    assert [each for each in found if not each.endswith(STEPS_MAY)] == []


@each_runner
def test_a_step_has_resources_where_the_template_says_nothing(
    name: str, component: str, values: dict[str, Any]
) -> None:
    chart = chart_of(name)
    given = {"requests": {"cpu": "3", "memory": "5Gi"}, "limits": {"cpu": "4", "memory": "6Gi"}}
    for resources, expected in (({}, default_resources(chart)), ({"resources": given}, given)):
        for template in ({}, TEMPLATE, {"spec": {"containers": [{"name": "step"}]}}):
            steps = {"stepPods": {"enabled": True, "template": template, **resources}}
            [container] = step_pod(chart.objects(values, steps))["spec"]["containers"]
            assert container["resources"] == expected


def default_resources(chart: Chart) -> dict[str, Any]:
    resources = merged(chart.folder / "values.yaml")["stepPods"]["resources"]
    del resources["limits"]["cpu"]
    found: dict[str, Any] = resources
    return found


@each_runner
def test_a_policy_closes_the_pods_of_steps_but_for_listed_ports(
    name: str, component: str, values: dict[str, Any]
) -> None:
    chart = chart_of(name)
    closed = {"enabled": True, "dnsPorts": [53]}
    peers = [{"ipBlock": {"cidr": "10.1.0.0/16"}}]
    for ports, to in (([], []), ([443], peers)):
        policy = {**closed, "stepPorts": ports, "outside": {"steps": to}}
        objects = chart.objects(values, ON, {"networkPolicy": policy})
        labels = started_pod(objects)["metadata"]["labels"]
        [found] = [
            each["spec"]
            for each in objects
            if each["kind"] == "NetworkPolicy"
            and each["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
        ]
        assert (found["policyTypes"], found["ingress"]) == (["Ingress", "Egress"], [])
        dns, *others = found["egress"]
        assert {port["port"] for port in dns["ports"]} == {53}
        rule = {"to": peers, "ports": [{"port": 443, "protocol": "TCP"}]}
        assert others == ([rule] if ports else [])


def test_a_code_locations_own_account_may_start_the_pods_of_steps_too() -> None:
    location = {"name": "shop", "runs": {"serviceAccountName": "shop-runs"}}
    objects = chart_of("floe-dagster").objects({"codeLocations": [location]}, ON)
    roles = RenderedRoles(objects, {"a-token": "shop-runs"})
    assert roles.allows("a-token", "create", "", "pods")


def started_pod(objects: list[Object]) -> dict[str, Any]:
    """Return the pod that a run starts for a step."""
    asked = ImageOrder.model_validate_json(order(Path("/tmp/facts")))
    return make_pod(asked, "shop-train", step_pod(objects), None)


def step_pod(objects: list[Object]) -> dict[str, Any]:
    """Return the template of steps' pods, as the chart's ConfigMap has it."""
    [text] = [each["data"]["pod.yaml"] for each in objects if "pod.yaml" in each.get("data", {})]
    found: dict[str, Any] = yaml.safe_load(text)
    return found
