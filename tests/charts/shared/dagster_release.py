"""A release of charts/floe-dagster, as processes: what it renders, with real PostgreSQL."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from free_port import free_port
from helm_engine import ROOT, Object, Target, render
from kubernetes_api import KubernetesApi, pod_of
from listener import Listener, listening
from local_certificate import write_certificate
from own_database import SERVER, own_database
from pod_process import PodProcess, Surroundings, need_namespaces
from pods import Pod, pods
from probes import wait_until_started
from rendered_roles import RenderedRoles

from floe_core import plugin_registry
from floe_core.compiler import compile_product

CHART = ROOT / "charts" / "floe-dagster"
COMPONENTS = ("migrations", "code-server", "webserver", "daemon")
_COMPUTE = """compute:
    type: postgres
    config:
      host: "{{ env_var('SHOP_HOST') }}"
      port: "{{ env_var('SHOP_PORT') | int }}"
      user: "{{ env_var('SHOP_USER') }}"
      password: "{{ env_var('SHOP_PASSWORD') }}"
      dbname: DATABASE
      schema: shop
      threads: 2
"""


# Slow enough to be ended half-way.
_SLOW = "{{ config(materialized='table') }}\nselect 1 as id, pg_sleep(4)::text as nap"


def compiled_product(folder: Path, database: str) -> Path:
    """Return the hello example on PostgreSQL, with a model that takes its time, compiled."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    manifest = folder / "examples" / "manifest.yaml"
    lines = manifest.read_text().split("\n")
    compute = "  " + _COMPUTE.replace("DATABASE", database)
    text = "\n".join(compute if "compute: {type: duckdb" in line else line for line in lines)
    manifest.write_text(text)
    hello = folder / "examples" / "hello"
    (hello / "models" / "nap.sql").write_text(_SLOW)
    compile_product(hello, orchestrator="dagster", out=folder / "image" / "hello")
    return folder / "image" / "hello"


@dataclass
class Release:
    """The objects of a release and the processes of its pods."""

    folder: Path
    database: str
    product: Path
    listener: Listener
    changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values = self._values()
        self.objects = render(CHART, self.values, self.changes, target=Target(is_upgrade=True))
        self.processes: dict[str, PodProcess] = {}
        self.tokens = {
            thing["metadata"]["name"]: f"token-of-{thing['metadata']['name']}"
            for thing in self.objects
            if thing["kind"] == "ServiceAccount"
        }
        accounts = {token: name for name, token in self.tokens.items()}
        self.api = KubernetesApi(RenderedRoles(self.objects, accounts), self._start_run)

    def _values(self) -> dict[str, Any]:
        """Return what the plugin gives for the product, on free ports and this PostgreSQL."""
        settings = {
            "products": [{"name": "hello", "image": "registry.example.com/hello:1.0.0"}],
            "postgres": {
                **{key: SERVER[key] for key in ("host", "port", "user")},
                "database": self.database,
                "password": {"name": "floe-dagster-postgres", "key": "password"},
            },
            "lineage": {"url": self.listener.url, "api_key": {"name": "lineage", "key": "key"}},
            "tracing": {
                "endpoint": self.listener.url,
                "headers": {"name": "spans", "key": "headers"},
            },
        }
        values = plugin_registry.load("dagster", {"helm": settings}).get_helm_values()
        values["webserver"]["port"] = free_port()
        values["codeServers"]["port"] = free_port()
        values["codeLocations"][0]["runs"] = {"extraEnv": _warehouse()}
        return values

    def start(self, components: Sequence[str] = COMPONENTS) -> None:
        """Start components, each once the one before is well; the migration runs to its end."""
        key, certificate = write_certificate(self.folder)
        self.server, port = self.api.serve(key, certificate)
        env = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(port)}
        self.around = Surroundings(
            folder=self.folder / "pods",
            objects=self.objects,
            secrets={
                "floe-dagster-postgres": {"password": SERVER["password"]},
                "hello-warehouse": {"password": SERVER["password"]},
                "lineage": {"key": "key-of-lineage"},
                "spans": {"headers": "x-team=data"},
            },
            image={"/opt/floe/products/hello": self.product},
            services=[t["metadata"]["name"] for t in self.objects if t["kind"] == "Service"],
            own_env=env,
            token_of=self.tokens,
            certificate=certificate,
        )
        for component in components:
            self._start(component)

    def _start(self, component: str) -> None:
        [pod] = [each for each in pods(self.objects) if each.component == component]
        for first in pod.spec.get("initContainers", []):
            self._to_the_end(PodProcess(pod, first, self.around, component))
        [container] = pod.spec["containers"]
        process = PodProcess(pod, container, self.around, component)
        if "startupProbe" not in container:
            self._to_the_end(process)
            return
        self.processes[component] = process
        process.start()
        wait_until_started(process)

    @staticmethod
    def _to_the_end(process: PodProcess) -> None:
        process.start()
        assert process.wait(120) == 0, process.log.read_text()

    def _start_run(self, job: Object) -> PodProcess:
        pod: Pod = pod_of(job)
        name = job["metadata"]["name"]
        process = PodProcess(pod, pod.spec["containers"][0], self.around, name)
        process.start()
        return process

    def stop(self) -> None:
        """End everything."""
        self.api.stop()
        for process in reversed(self.processes.values()):
            process.stop(seconds=10)
        self.server.shutdown()

    @property
    def url(self) -> str:
        """The address of the webserver."""
        return f"http://127.0.0.1:{self.values['webserver']['port']}"

    def query(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return what the webserver answers to a GraphQL query."""
        answer = httpx.post(
            f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60
        )
        found: dict[str, Any] = answer.json()
        assert "errors" not in found, found
        return dict(found["data"])

    def status_of(self, run_id: str) -> str:
        """Return the status of a run."""
        query = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
        return str(self.query(query, id=run_id)["runOrError"]["status"])

    def wait_for(self, run_id: str, *statuses: str, seconds: float = 180) -> str:
        """Return the status of a run once it is one of these."""
        deadline = time.monotonic() + seconds
        while (status := self.status_of(run_id)) not in statuses:
            assert time.monotonic() < deadline, f"{status}\n{self.logs()}"
            time.sleep(0.5)
        return status

    def logs(self) -> str:
        """Return the end of every log."""
        running = [job.process for job in self.api.jobs.values()]
        processes = [*self.processes.values(), *running]
        return "\n".join(f"== {each.name}\n{each.log.read_text()[-3000:]}" for each in processes)


def _warehouse() -> list[Object]:
    plain = {key: str(SERVER[key]) for key in ("host", "port", "user")}
    secret = {"name": "hello-warehouse", "key": "password"}
    return [
        *({"name": f"SHOP_{key.upper()}", "value": value} for key, value in plain.items()),
        {"name": "SHOP_PASSWORD", "valueFrom": {"secretKeyRef": secret}},
    ]


@contextmanager
def release(
    folder: Path, changes: dict[str, Any], components: Sequence[str] = COMPONENTS
) -> Iterator[Release]:
    """Give a release that runs, or some components of it, for the length of the block."""
    need_namespaces()
    with own_database() as database, listening() as listener:
        product = compiled_product(folder, database)
        found = Release(folder, database, product, listener, changes)
        try:
            found.start(components)
            yield found
        finally:
            found.stop()
