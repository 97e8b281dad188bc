"""The pods of runs, made by Dagster's own launcher from the rendered dagster.yaml."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import strict_yaml
from dagster import DagsterRun
from dagster._core.code_pointer import FileCodePointer
from dagster._core.origin import (
    DEFAULT_DAGSTER_ENTRY_POINT,
    JobPythonOrigin,
    RepositoryPythonOrigin,
)
from dagster_k8s import K8sRunLauncher
from dagster_k8s.job import construct_dagster_k8s_job
from kubernetes.client import ApiClient
from pods import Object, Pod, pods

_CLUSTER = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:9"}}],
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
    "users": [{"name": "none", "user": {}}],
    "current-context": "none",
}


def launched_jobs(objects: list[Object], tags: Mapping[str, str] | None = None) -> Iterator[Object]:
    """Yield the Job of a run of each code location, and of one without a code location."""
    launcher = _launcher(objects)
    servers = [pod for pod in pods(objects) if pod.component == "code-server"]
    for server in servers:
        env = {each["name"]: each.get("value") for each in server.spec["containers"][0]["env"]}
        context = json.loads(env["DAGSTER_CONTAINER_CONTEXT"])
        yield _job(launcher, env["DAGSTER_CONTAINER_IMAGE"], context, tags)
    if not servers:
        yield _job(launcher, "registry.example.com/none:1", {}, tags)


def launched_pods(objects: list[Object]) -> Iterator[Pod]:
    """Yield the pods of those Jobs."""
    yield from pods(launched_jobs(objects))


def dagster_yaml(objects: list[Object]) -> Any:
    """Return the rendered dagster.yaml of webserver, daemon, code servers and runs."""
    maps = {each["metadata"]["name"]: each for each in objects if each["kind"] == "ConfigMap"}
    [name] = [name for name in maps if name.endswith("-instance")]
    return strict_yaml.document(maps[name]["data"]["dagster.yaml"])


def _launcher(objects: list[Object]) -> K8sRunLauncher:
    """Return the launcher as configured, but for a cluster that is not there."""
    config = dagster_yaml(objects)["run_launcher"]["config"]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(json.dumps(_CLUSTER))
        file.flush()
        elsewhere = {"load_incluster_config": False, "kubeconfig_file": file.name}
        return K8sRunLauncher(**{**config, **elsewhere})


def _job(
    launcher: K8sRunLauncher,
    image: str,
    context: dict[str, Any],
    tags: Mapping[str, str] | None,
) -> Object:
    pointer = FileCodePointer("definitions.py", "defs", str(Path("/opt/floe")))
    repository = RepositoryPythonOrigin(
        sys.executable, pointer, image, DEFAULT_DAGSTER_ENTRY_POINT, context
    )
    origin = JobPythonOrigin("shop", repository)
    run = DagsterRun(job_name="shop", job_code_origin=origin, tags=tags)
    chosen = launcher.get_container_context_for_run(run)
    job = construct_dagster_k8s_job(
        chosen.get_k8s_job_config(image, launcher),
        args=["dagster", "api", "execute_run", "{}"],
        job_name=f"dagster-run-{run.run_id}",
        pod_name=f"dagster-run-{run.run_id}",
        component="run_worker",
        user_defined_k8s_config=chosen.run_k8s_config,
    )
    found: Object = ApiClient().sanitize_for_serialization(job)
    return {"apiVersion": "batch/v1", "kind": "Job", **found}
