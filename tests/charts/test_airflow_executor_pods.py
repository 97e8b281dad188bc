"""The pod that the Kubernetes provider's own code builds from the template of the chart."""

from __future__ import annotations

import ast
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_schemas
import pytest
import restricted_pods
from airflow_release import CHART
from helm_engine import Object
from pods import Pod

PRODUCTS = {
    "products": [
        {"name": "shop", "image": {"repository": "shop", "tag": "1"}},
        {
            "name": "ledger",
            "resources": {"requests": {"cpu": "3", "memory": "6Gi"}, "limits": {"memory": "6Gi"}},
        },
    ]
}


def config_map(objects: list[Object], key: str) -> str:
    [found] = [each["data"][key] for each in objects if key in each.get("data", {})]
    return str(found)


def pod_of_task(
    values: Mapping[str, Any], dag_id: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Object:
    """Return the pod as the executor sends it, after the hook of the chart's local settings."""
    from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
    from kubernetes.client import ApiClient

    objects = CHART.objects(values)
    template, settings = folder / "pod_template.yaml", folder / "airflow_local_settings.py"
    for file in (template, settings):
        file.write_text(config_map(objects, file.name))
    [scheduler] = [pod for pod in CHART.pods(objects) if pod.component == "scheduler"]
    for variable in scheduler.spec["containers"][0]["env"]:
        if "value" in variable:
            monkeypatch.setenv(variable["name"], variable["value"])
    pod = PodGenerator.construct_pod(
        dag_id=dag_id,
        task_id="dbt_build",
        pod_id="a-pod",
        try_number=1,
        kube_image=None,
        date=None,
        args=["python", "-m", "airflow.sdk.execution_time.execute_workload"],
        pod_override_object=None,
        base_worker_pod=PodGenerator.deserialize_model_file(str(template)),
        namespace="data",
        scheduler_job_id="1",
        run_id="manual",
    )
    runpy.run_path(str(settings))["pod_mutation_hook"](pod)
    built: Object = ApiClient().sanitize_for_serialization(pod)
    return built


def test_it_is_one_that_a_restricted_namespace_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = pod_of_task(PRODUCTS, "shop", tmp_path, monkeypatch)
    assert kubernetes_schemas.problems([pod], "1.35.0") == []
    assert restricted_pods.findings([Pod("Pod/shop", pod["metadata"]["labels"], pod["spec"])]) == []
    assert pod["metadata"]["labels"]["app.kubernetes.io/component"] == "task"
    assert pod["spec"]["serviceAccountName"] == "floe-floe-airflow-task"
    [container] = pod["spec"]["containers"]
    assert (container["name"], container["image"]) == ("base", "floe-airflow:3.3.2")


@pytest.mark.parametrize(
    ("dag_id", "memory"),
    [("shop", "512Mi"), ("ledger", "6Gi"), ("ledger.hourly", "6Gi"), ("ledgers", "512Mi")],
)
def test_a_product_with_a_size_of_its_own_has_it_in_each_of_its_jobs(
    dag_id: str, memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [container] = pod_of_task(PRODUCTS, dag_id, tmp_path, monkeypatch)["spec"]["containers"]
    assert container["resources"]["requests"]["memory"] == memory
    assert container["resources"]["limits"]["memory"] == memory


VERBS = {
    "create_namespaced_pod": "create",
    "delete_namespaced_pod": "delete",
    "list_namespaced_pod": "list",
    "patch_namespaced_pod": "patch",
    "stream": "watch",
}
NOT_GIVEN = {
    "list_pod_for_all_namespaces": "only with multi_namespace_mode, which the chart does not set",
    "read_namespaced_pod": "only in an Airflow whose executors have `get_task_key`",
    "read_namespaced_pod_log": "only by the api-server, which has no token: logs come from a volume",
}


def test_the_role_has_the_verbs_that_the_executor_calls() -> None:
    """That each of them is really asked for, and no other, is in test_airflow_on_kubernetes.py."""
    from airflow.executors.base_executor import BaseExecutor
    from airflow.providers.cncf.kubernetes import executors

    assert not hasattr(BaseExecutor, "get_task_key")
    [folder] = executors.__path__
    called = {
        node.attr
        for file in Path(folder).glob("kubernetes_executor*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and ("_pod" in node.attr or node.attr == "stream")
    }
    of_api = {
        name
        for name in called
        if name.startswith(("create_namespaced", "delete_", "list_", "patch_", "read_", "stream"))
        and ("namespaced" in name or "namespaces" in name or name == "stream")
    }
    assert of_api == {*VERBS, *NOT_GIVEN}
    [role] = [each for each in CHART.objects() if each["kind"] == "Role"]
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": sorted(VERBS.values())}
    ]
