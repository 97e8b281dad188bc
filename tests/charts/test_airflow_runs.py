"""What charts/floe-airflow renders really runs products: its own commands, environment, files and
probes, as processes of this machine, on a real PostgreSQL and a real Redis.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_schemas
import pytest
import restricted_pods
from airflow_release import ADMIN_PASSWORD, SECRET, Release
from airflow_runs import begin, states_of_tasks, wait
from helm_engine import NAMESPACE, Object
from kubernetes_stand_in import StandIn
from local_pod import LocalPod
from memory_watch import SMALL_TASK, limit_of, watched
from pods import Pod
from postgres_product import compiled
from running_pods import running
from service_of_machine import Database, broker, database

from floe_orchestrator_airflow.local_airflow.rest_api import RestApi

pytestmark = pytest.mark.slow

SERVERS = ("api-server", "scheduler", "dag-processor", "triggerer")
HEALTHY = dict.fromkeys(("metadatabase", "scheduler", "dag_processor", "triggerer"), "healthy")
EACH_TASK = dict.fromkeys(
    (
        "dbt_build", "greetings", "not_null_greetings_id", "outcome", "people", "stg_people",
        "unique_greetings_id",
    ),
    "success",
)  # fmt: skip


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


def release(
    folder: Path,
    opened: Database,
    names: tuple[str, ...],
    values: Mapping[str, Any],
    **secrets: str,
) -> Release:
    """Return a release whose image holds products of these names."""
    for name in names:
        compiled(name, folder / "source", folder / "products", opened.name)
    return Release(folder / "pods", folder / "products", opened, values, {SECRET: secrets})


def migrate(ready: Release) -> None:
    job = ready.pod("migrations")
    assert job.run("migrate", 300) == 0, job.output[-4000:]


def over_their_limit(pods: list[LocalPod], most: Mapping[str, int]) -> dict[str, int]:
    assert all(most.values())
    return {pod.name: most[pod.name] for pod in pods if most[pod.name] > limit_of(pod)}


def api_of(ready: Release) -> RestApi:
    api = RestApi(f"http://127.0.0.1:{ready.port}", "admin", ADMIN_PASSWORD)
    api.log_in()
    return api


def test_celery_on_two_workers_runs_two_products_at_once(tmp_path: Path) -> None:
    products = ("alpha", "beta")
    values = {"executor": "CeleryExecutor", "workers": {"concurrency": 1}}
    with database() as opened, broker() as url:
        urls = {"broker-url": url, "result-backend": url}
        ready = release(tmp_path, opened, products, values, **urls)
        in_image = files(ready.products)
        migrate(ready)
        servers = [ready.pod(component) for component in SERVERS]
        workers = [ready.pod("worker", number) for number in range(2)]
        assert servers[0].run("wait-for-migrations", 120) == 0, servers[0].output[-4000:]
        pods = [*servers, *workers]
        with running(pods), watched(*pods) as most:
            assert {pod.name: pod.probe("livenessProbe") for pod in pods} == {
                pod.name: "" for pod in pods
            }
            assert servers[0].probe("readinessProbe") == ""
            api = api_of(ready)
            assert api.health() == HEALTHY
            for dag_id, run_id in begin(api, products).items():
                assert states_of_tasks(api, dag_id, run_id) == EACH_TASK
        assert over_their_limit(pods, most) == {}
        # One task fits into a worker: two runs at once take both.
        assert [pod.output.count("succeeded in") for pod in workers] == [1, 1]
        assert opened.rows("select count(*) from alpha.greetings") == [(3,)]
        assert opened.rows("select count(*) from beta.greetings") == [(3,)]
        assert files(ready.products) == in_image


class TaskPods:
    """Runs pods of tasks as the kubelet would, when it is let to."""

    def __init__(self, ready: Release) -> None:
        self._ready = ready
        self.may_run = threading.Event()
        self.most: dict[str, int] = {}

    def run(self, pod: Object) -> bool:
        assert self.may_run.wait(240)
        labels, name = pod["metadata"]["labels"], pod["metadata"]["name"]
        local = self._ready.cluster.pod(Pod(f"Pod/{name}", labels, pod["spec"]), name)
        starts = [each["name"] for each in pod["spec"].get("initContainers", [])]
        with watched(local) as self.most:
            return all(local.run(each, 240) == 0 for each in [*starts, "base"])


def kubeconfig(url: str) -> str:
    parts = {
        "clusters": [{"name": "here", "cluster": {"server": url}}],
        "users": [{"name": "scheduler", "user": {"token": "a-token"}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "scheduler"}}],
    }
    return json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "here", **parts})


def kubernetes_values(config: Path) -> dict[str, Any]:
    resources = {"requests": {"cpu": "3", "memory": "3Gi"}, "limits": {"memory": "3Gi"}}
    here = {"IN_CLUSTER": "False", "CONFIG_FILE": str(config)}
    return {
        "auth": {"manager": "simple", "simple": {"users": [{"name": "admin", "role": "admin"}]}},
        "logs": {"persistence": {"enabled": True}},
        "products": [{"name": "alpha", "resources": resources}],
        "scheduler": {
            "extraEnv": [
                {"name": f"AIRFLOW__KUBERNETES_EXECUTOR__{name}", "value": value}
                for name, value in here.items()
            ]
        },
    }


def test_kubernetes_executor_runs_a_product_in_pods_of_the_template(tmp_path: Path) -> None:
    """And a scheduler takes over the pods of one that ended, with the verbs of its Role and no more."""
    config = tmp_path / "kubeconfig"
    with database() as opened:
        ready = release(tmp_path, opened, ("alpha",), kubernetes_values(config))
        [role] = [each for each in ready.objects if each["kind"] == "Role"]
        tasks = TaskPods(ready)
        migrate(ready)
        servers = [ready.pod(component) for component in SERVERS if component != "scheduler"]
        assert servers[0].run("copy-passwords", 10) == 0, servers[0].output[-4000:]
        with StandIn(NAMESPACE, role["rules"], tasks.run) as cluster, running(servers):
            config.write_text(kubeconfig(cluster.url))
            api = api_of(ready)
            with running([ready.pod("scheduler", 0)]):
                runs = begin(api, ("alpha",))
                wait(lambda: bool(cluster.pods.created), "the pod of the task")
            with running([ready.pod("scheduler", 1)]):
                wait(lambda: "patch" in cluster.asked, "taking over the pod")
                tasks.may_run.set()
                assert states_of_tasks(api, "alpha", runs["alpha"]) == EACH_TASK
                wait(lambda: "delete" in cluster.asked, "removing the pod")
            assert "DAG bundles loaded: alpha" in api.log("alpha", runs["alpha"], "dbt_build")
            assert "model.hello.greetings" in api.log("alpha", runs["alpha"], "greetings")
    assert cluster.asked == set(role["rules"][0]["verbs"])
    assert 0 < max(tasks.most.values()) < SMALL_TASK
    [pod] = cluster.pods.created
    assert kubernetes_schemas.problems([pod], "1.32.0") == []
    started = Pod("Pod/alpha", pod["metadata"]["labels"], pod["spec"])
    assert restricted_pods.findings([started]) == []
    assert pod["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "3", "memory": "3Gi"}
