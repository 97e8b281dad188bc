"""Steps with an image, started from the pods that run products, with their Role and no more."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from charts import CHARTS, Chart
from helm_engine import Object
from kubernetes_of_steps import kubernetes
from local_certificate import write_certificate
from pod_process import PodProcess, Surroundings, need_namespaces
from pods import Pod
from rendered_roles import RenderedRoles

RUN_IMAGE = "floe_core.execution.steps.pods.run_image"
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
