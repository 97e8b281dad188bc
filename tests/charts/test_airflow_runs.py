"""What charts/floe-airflow renders really runs products: its own commands, environment, files and
probes, as processes of this machine, on a real PostgreSQL and a real Redis.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_schemas
import pytest
import restricted_pods
from airflow_release import ADMIN_PASSWORD, CHART, SCHEDULER, SECRET, TOKEN, Release
from airflow_runs import begin, states_of_tasks, wait
from helm_engine import Object
from kubernetes_pods_api import PodsApi
from listener import Listener, Received, listening
from local_certificate import write_certificate
from memory_watch import SMALL_TASK, limit_of, watched
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pod_process import PodProcess, need_namespaces
from pods import Pod
from postgres_product import compiled
from probes import KINDS, failure
from rendered_roles import Act, RenderedRoles
from running_pods import running, to_the_end
from service_of_machine import Database, broker, database

from floe_orchestrator_airflow.local_airflow.rest_api import RestApi

pytestmark = pytest.mark.slow

SERVERS = ("api-server", "scheduler", "dag-processor", "triggerer")
HEALTHY = dict.fromkeys(("metadatabase", "scheduler", "dag_processor", "triggerer"), "healthy")
EACH_TASK = dict.fromkeys(
    (
        "dbt_build", "greetings", "nap", "not_null_greetings_id", "outcome", "people", "stg_people",
        "unique_greetings_id",
    ),
    "success",
)  # fmt: skip


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


def release(folder: Path, opened: Database, *names: str, **more: Any) -> Release:
    """Return a release whose image holds products of these names."""
    need_namespaces()
    for name in names:
        compiled(name, folder / "source", folder / "products", opened.name)
    return Release(folder / "pods", folder / "products", opened, **more)


def ran(process: PodProcess) -> str:
    """Return "" if the container ends well, and else what it said."""
    return "" if to_the_end(process) else process.log.read_text()[-4000:]


def over_their_limit(pods: list[PodProcess], most: Mapping[str, int]) -> dict[str, int]:
    assert all(most.values())
    return {pod.name: most[pod.name] for pod in pods if most[pod.name] > limit_of(pod)}


def places_written(pod: PodProcess) -> list[str]:
    places = ("/tmp", "/opt/airflow", "/opt/floe/state", "/", "/etc", "/opt/floe/products", "/run")
    return [
        place for place in places if pod.execute(["touch", f"{place}/written"], 10).returncode == 0
    ]


def api_of(ready: Release, path: str = "") -> RestApi:
    api = RestApi(f"http://127.0.0.1:{ready.port}{path}", "admin", ADMIN_PASSWORD)
    api.log_in()
    return api


ON_CELERY = {
    "executor": "CeleryExecutor",
    # One task fits into a worker: two runs at once take both.
    "workers": {"concurrency": 1},
    # A worker that is gone is missed after seconds, not after five minutes.
    "airflowConfig": {
        "scheduler": {
            "task_instance_heartbeat_sec": 2,
            "task_instance_heartbeat_timeout": 12,
            "task_instance_heartbeat_timeout_detection_interval": 2,
        }
    },
}


def test_celery_on_two_workers_runs_two_products_at_once_and_gets_over_a_lost_worker(
    tmp_path: Path,
) -> None:
    products = ("alpha", "beta")
    with database() as opened, broker() as url:
        urls = {"broker-url": url, "result-backend": url}
        ready = release(tmp_path, opened, *products, values=ON_CELERY, secrets=urls)
        in_image = files(ready.products)
        assert ran(ready.container("migrations")) == ""
        assert ran(ready.container("api-server", "wait-for-migrations")) == ""
        servers = [ready.container(component) for component in SERVERS]
        workers = [ready.container("worker", number=number) for number in range(2)]
        pods = [*servers, *workers]
        with running(pods) as lost, watched(*pods) as most:
            assert {pod.name: failing(pod) for pod in pods} == {pod.name: {} for pod in pods}
            volumes = ["/tmp", "/opt/airflow", "/opt/floe/state"]
            assert {pod.name: places_written(pod) for pod in pods} == {
                pod.name: volumes for pod in pods
            }
            api = api_of(ready)
            assert api.health() == HEALTHY
            runs = begin(api, products)
            wait(lambda: has_table(ready, "alpha.greetings"), "the table before the last")
            # What has passed is saved every second.
            time.sleep(2.5)
            [doomed] = [pod for pod in workers if "alpha/dag.py" in pod.log.read_text()]
            lost.append(doomed)
            doomed.stop(signal.SIGKILL)
            for dag_id, run_id in runs.items():
                assert states_of_tasks(api, dag_id, run_id) == EACH_TASK
        assert over_their_limit(pods, most) == {}
        [left] = [pod for pod in workers if pod is not doomed]
        assert [pod.log.read_text().count("succeeded in") for pod in (doomed, left)] == [0, 2]
        assert built_by(left, "alpha") == ["model.hello.nap"]
        assert opened.rows("select count(*) from alpha.nap") == [(3,)]
        assert opened.rows("select count(*) from beta.nap") == [(3,)]
        assert files(ready.products) == in_image


def built_by(worker: PodProcess, product: str) -> list[str]:
    """Return the nodes of a product that dbt built in a worker, by what it left there."""
    [told] = worker.volume("state").glob(f"{product}/runs/*/attempt-*/run_results.json")
    return [each["unique_id"] for each in json.loads(told.read_text())["results"]]


def failing(pod: PodProcess) -> dict[str, str]:
    asked = {kind: failure(pod, pod.container[kind]) for kind in KINDS if kind in pod.container}
    return {kind: why for kind, why in asked.items() if why}


class TaskPods:
    """Runs pods of tasks as the kubelet would, when it is let to, and loses the first one half-way."""

    def __init__(self) -> None:
        self.release: Release | None = None
        self.may_run = threading.Event()
        self.most: dict[str, int] = {}
        self.ended: list[bool] = []

    def run(self, pod: Object) -> bool:
        assert self.may_run.wait(240)
        assert self.release is not None
        labels, name = pod["metadata"]["labels"], pod["metadata"]["name"]
        local = Pod(f"Pod/{name}", labels, pod["spec"])
        for first in pod["spec"]["initContainers"]:
            assert ran(self.release.container_of(local, name, first["name"])) == ""
        base = self.release.container_of(local, name, "base")
        if not self.ended:
            self._lose(base)
        with watched(base) as self.most:
            self.ended.append(bool(self.ended) and to_the_end(base))
        return self.ended[-1]

    def _lose(self, base: PodProcess) -> None:
        """Start it, and kill it as a broken node does while its last model runs."""
        assert self.release is not None
        base.start()
        release = self.release
        wait(lambda: has_table(release, "alpha.greetings"), "the table before the last")
        # What has passed is saved every second.
        time.sleep(2.5)
        base.stop(signal.SIGKILL)


def has_table(ready: Release, name: str) -> bool:
    query = f"select to_regclass('{name}') is not null"
    return ready.database.rows(query) == [(True,)]


RESOURCES = {"requests": {"cpu": "3", "memory": "3Gi"}, "limits": {"memory": "3Gi"}}
ON_KUBERNETES = {
    # As behind an Ingress that serves it below a path.
    "apiServer": {"baseUrl": "https://data.example.com/airflow"},
    "auth": {"manager": "simple", "simple": {"users": [{"name": "admin", "role": "admin"}]}},
    "logs": {"persistence": {"enabled": True}},
    "products": [
        {"name": "alpha", "image": {"repository": "alpha", "tag": "1"}, "resources": RESOURCES}
    ],
}


def arrived(listener: Listener) -> None:
    """See lineage of the product, spans of its run, and metrics of Airflow, each with its key."""
    events = {(each["job"]["name"], each["eventType"]) for each in listener.events()}
    assert {("alpha", "COMPLETE"), ("alpha.model.greetings", "COMPLETE")} <= events
    keys = {each.headers["Authorization"] for each in listener.at("/api/v1/lineage")}
    assert keys == {"Bearer a-lineage-key"}
    spans = listener.at("/v1/traces")
    assert {"floe", "airflow"} <= {scope.partition(".")[0] for scope in scopes(spans)}
    assert listener.at("/v1/metrics")
    telemetry = [*spans, *listener.at("/v1/metrics")]
    assert {each.headers["x-key"] for each in telemetry} == {"an-otel-key"}


def scopes(spans: list[Received]) -> set[str]:
    """Return the names of what made the spans."""
    requests = [ExportTraceServiceRequest.FromString(each.body) for each in spans]
    return {
        scope.scope.name
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
    }


KEYS = {"lineage-key": "a-lineage-key", "otel-headers": "x-key=an-otel-key"}


def telling(url: str) -> dict[str, Any]:
    """Return values that send lineage and telemetry to a URL."""
    lineage = {"existingSecret": SECRET, "key": "lineage-key"}
    headers = {"existingSecret": SECRET, "key": "otel-headers"}
    return {
        **ON_KUBERNETES,
        "openLineage": {"url": url, "apiKey": lineage},
        "openTelemetry": {"endpoint": url, "headers": headers},
    }


def test_kubernetes_executor_runs_a_product_in_pods_of_the_template(tmp_path: Path) -> None:
    """A scheduler takes over the pods of one that ended, and starts another for one that was lost; with
    the verbs of its Role and no more.
    """
    keys = write_certificate(tmp_path)
    roles = RenderedRoles(CHART.objects(ON_KUBERNETES), {TOKEN: SCHEDULER})
    tasks = TaskPods()
    with (
        database() as opened,
        PodsApi(roles, keys, tasks.run) as cluster,
        listening() as listener,
    ):
        told = {
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(cluster.port),
        }
        ready = tasks.release = release(
            tmp_path,
            opened,
            "alpha",
            values=telling(listener.url),
            secrets=KEYS,
            cluster=told,
            certificate=keys[1],
        )
        assert ran(ready.container("migrations")) == ""
        assert ran(ready.container("api-server", "copy-passwords")) == ""
        assert ran(ready.container("dag-processor", "fetch-alpha")) == ""
        servers = [ready.container(component) for component in SERVERS if component != "scheduler"]
        with running(servers):
            api = api_of(ready, "/airflow")
            with running([ready.container("scheduler", number=0)]):
                runs = begin(api, ("alpha",))
                wait(lambda: bool(cluster.pods.created), "the pod of the task")
            with running([ready.container("scheduler", number=1)]):
                wait(lambda: Act(SCHEDULER, "patch", "pods") in roles.acts, "taking over the pod")
                tasks.may_run.set()
                assert states_of_tasks(api, "alpha", runs["alpha"]) == EACH_TASK
                wait(lambda: Act(SCHEDULER, "delete", "pods") in roles.acts, "removing the pod")
            [build] = [
                each
                for each in api.task_instances("alpha", runs["alpha"])
                if each["task_id"] == "dbt_build"
            ]
            assert "1 of 6 nodes to build" in api.log(
                "alpha", runs["alpha"], "dbt_build", build["try_number"]
            )
            assert "model.hello.greetings" in api.log("alpha", runs["alpha"], "greetings")
    assert roles.refused == []
    assert roles.acts == roles.granted()
    arrived(listener)
    assert 0 < max(tasks.most.values()) < SMALL_TASK
    assert tasks.ended == [False, True]
    [_, pod] = cluster.pods.created
    assert kubernetes_schemas.problems([pod], "1.32.0") == []
    started = Pod("Pod/alpha", pod["metadata"]["labels"], pod["spec"])
    assert restricted_pods.findings([started]) == []
    assert pod["spec"]["containers"][0]["resources"] == RESOURCES
