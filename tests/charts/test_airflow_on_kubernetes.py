"""What charts/floe-airflow renders runs a product with KubernetesExecutor: its own commands,
environment and files, as processes of this machine, and a stand-in for the Kubernetes API.
"""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Any

import kubernetes_schemas
import pytest
import restricted_pods
from airflow_release import CHART, SCHEDULER, SECRET, TOKEN, Release, release
from airflow_runs import EACH_TASK, api_of, begin, has_table, states_of_tasks, wait
from helm_engine import Object
from kubernetes_pods_api import PodsApi
from listener import Listener, Received, listening
from local_certificate import write_certificate
from memory_watch import SMALL_TASK, watched
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pod_process import PodProcess
from pods import Pod
from rendered_roles import Act, RenderedRoles
from running_pods import ran, running, to_the_end
from service_of_machine import database

pytestmark = pytest.mark.slow

SERVERS = ("api-server", "dag-processor", "triggerer")


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
        ready = self.release
        wait(lambda: has_table(ready, "alpha.greetings"), "the table before the last")
        # What has passed is saved every second.
        time.sleep(2.5)
        base.stop(signal.SIGKILL)


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
        servers = [ready.container(component) for component in SERVERS]
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
