"""Ask a container's probes as the kubelet does: by HTTP, by gRPC, or by a command inside."""

from __future__ import annotations

import time

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pod_process import PodProcess
from pods import Object

KINDS = ("startupProbe", "readinessProbe", "livenessProbe")


def wait_until_started(process: PodProcess) -> None:
    """Wait as long as the startup probe allows, or fail with the end of the log."""
    probe = process.container["startupProbe"]
    deadline = time.monotonic() + probe["periodSeconds"] * probe["failureThreshold"]
    why = "not asked"
    while time.monotonic() < deadline and process.exit_code() is None:
        why = failure(process, probe)
        if not why:
            return
        time.sleep(0.5)
    tail = process.log.read_text()[-3000:]
    raise AssertionError(f"{process.name}: {why}; exit code {process.exit_code()}\n{tail}")


def failures(process: PodProcess) -> dict[str, str]:
    """Return the probes of a container that fail, with why."""
    asked = {kind: failure(process, process.container[kind]) for kind in KINDS}
    return {kind: why for kind, why in asked.items() if why}


def failure(process: PodProcess, probe: Object) -> str:
    """Return why a probe fails; "" when it does not."""
    try:
        return _failure(process, probe, probe["timeoutSeconds"])
    except (httpx.HTTPError, grpc.RpcError, TimeoutError) as error:
        return f"{type(error).__name__}: {error}"


def _failure(process: PodProcess, probe: Object, seconds: float) -> str:
    if "httpGet" in probe:
        how = probe["httpGet"]
        port = _number(process.container, how["port"])
        answer = httpx.get(f"http://127.0.0.1:{port}{how['path']}", timeout=seconds)
        return "" if 200 <= answer.status_code < 400 else f"status {answer.status_code}"
    if "grpc" in probe:
        return _grpc_failure(probe["grpc"], seconds)
    done = process.execute(probe["exec"]["command"], seconds)
    return (
        "" if done.returncode == 0 else f"exit code {done.returncode}: {done.stdout}{done.stderr}"
    )


def _grpc_failure(how: Object, seconds: float) -> str:
    with grpc.insecure_channel(f"127.0.0.1:{how['port']}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service=how.get("service", ""))
        status = stub.Check(request, timeout=seconds).status
    serving = health_pb2.HealthCheckResponse.SERVING
    return "" if status == serving else f"status {status}"


def _number(container: Object, port: int | str) -> int:
    if isinstance(port, int):
        return port
    [found] = [each["containerPort"] for each in container["ports"] if each["name"] == port]
    return int(found)
