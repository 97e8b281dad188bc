"""The few calls of the Kubernetes API that a launcher makes, answered here for rendered roles.

This is no cluster. It lets a ServiceAccount do what the rendered Roles say and nothing else, takes
only objects that Kubernetes' own schemas accept, and starts the pods of Jobs as processes.
"""

from __future__ import annotations

import json
import signal
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kubernetes_schemas
from pod_process import PodProcess
from pods import Object, pods
from rendered_roles import RenderedRoles

StartPod = Callable[[Object], PodProcess]


@dataclass
class RunningJob:
    """A Job, and its pod as a process. A pod that is evicted is no longer listed."""

    job: Object
    process: PodProcess
    is_evicted: bool = False
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    @property
    def pod_name(self) -> str:
        """The name of its pod."""
        return f"{self.job['metadata']['name']}-abcde"

    def status(self) -> Object:
        """Return the status of the Job."""
        code = self.process.exit_code()
        counts = {"active": int(code is None), "succeeded": int(code == 0)}
        return {**counts, "failed": int(code not in (None, 0)), "startTime": self.started}

    def pod(self) -> Object:
        """Return the pod as the API tells it."""
        template, code = self.job["spec"]["template"], self.process.exit_code()
        phase = "Running" if code is None else "Succeeded" if code == 0 else "Failed"
        now = datetime.now(UTC).isoformat()
        state = {"running": {"startedAt": now}} if code is None else _ended(code, now)
        container = {
            "name": template["spec"]["containers"][0]["name"], "state": state, "image": "",
            "imageID": "", "ready": code is None, "restartCount": 0,
        }  # fmt: skip
        labels = {**template["metadata"]["labels"], "job-name": self.job["metadata"]["name"]}
        meta = {"name": self.pod_name, "namespace": "data", "labels": labels}
        status = {"phase": phase, "containerStatuses": [container]}
        return {"metadata": meta, "spec": template["spec"], "status": status}


@dataclass
class KubernetesApi:
    """A server for one namespace, with the roles that were rendered for it."""

    roles: RenderedRoles
    start_pod: StartPod
    jobs: dict[str, RunningJob] = field(default_factory=dict)

    def serve(self, key: Path, certificate: Path) -> tuple[ThreadingHTTPServer, int]:
        """Start to serve; return the server and its port."""
        api = self

        class Handler(_Handler):
            pass

        Handler.api = api
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server, server.server_address[1]

    def create_job(self, job: Object) -> Object:
        """Take a Job that the schemas accept, and start its pod."""
        if wrong := kubernetes_schemas.problems([job], "1.32.0"):
            raise ValueError("; ".join(wrong))
        self.jobs[job["metadata"]["name"]] = RunningJob(job, self.start_pod(job))
        return job

    def lose(self, run_id: str, is_evicted: bool) -> None:
        """End the pod of a run as a broken node does."""
        [lost] = [each for name, each in self.jobs.items() if run_id in name]
        lost.is_evicted = is_evicted
        lost.process.stop(signal.SIGKILL)

    def stop(self) -> None:
        """End every pod."""
        for running in self.jobs.values():
            running.process.stop()


class _Handler(BaseHTTPRequestHandler):
    """Routes: /apis/batch/v1/namespaces/data/jobs/NAME[/status], /api/v1/namespaces/data/..."""

    api: KubernetesApi

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on stderr."""

    def do_POST(self) -> None:
        group, resource, _name, _ = self._route()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._allowed("create", group, resource):
            try:
                self._answer(201, self.api.create_job(body))
            except ValueError as error:
                self._answer(422, {"message": str(error)})

    def do_GET(self) -> None:
        group, resource, name, query = self._route()
        if not self._allowed("get" if name else "list", group, resource):
            return
        if resource == "pods/log":
            self._answer_text(self._job_of_pod(name).process.log.read_text()[-2000:])
        elif resource == "jobs/status":
            self._answer_job(name)
        elif resource == "jobs":
            wanted = query.get("fieldSelector", [""])[0].partition("=")[2]
            found = [self._told(each) for n, each in self.api.jobs.items() if wanted in ("", n)]
            self._answer(200, {"items": found})
        elif resource == "pods":
            self._answer(200, {"items": self._pods(query)})
        else:
            self._answer(200, {"items": []})

    def do_DELETE(self) -> None:
        group, resource, name, _ = self._route()
        if not self._allowed("delete", group, resource):
            return
        if resource == "pods":
            self._job_of_pod(name).process.stop()
        self._answer(200, {"status": "Success"})

    def _pods(self, query: Mapping[str, list[str]]) -> list[Object]:
        label = query.get("labelSelector", [""])[0].partition("=")[2]
        named = query.get("fieldSelector", [""])[0].partition("=")[2]
        running = self.api.jobs.items()
        return [
            each.pod()
            for name, each in running
            if label in ("", name) and named in ("", each.pod_name) and not each.is_evicted
        ]

    def _job_of_pod(self, pod_name: str) -> RunningJob:
        [found] = [each for each in self.api.jobs.values() if each.pod_name == pod_name]
        return found

    def _told(self, running: RunningJob) -> Object:
        return {**running.job, "status": running.status()}

    def _answer_job(self, name: str) -> None:
        running = self.api.jobs.get(name)
        if running:
            self._answer(200, self._told(running))
        else:
            self._answer(404, {"message": f"no job {name}"})

    def _route(self) -> tuple[str, str, str, dict[str, list[str]]]:
        """Return API group, resource with subresource, name, and query."""
        parts = urlsplit(self.path)
        steps = parts.path.strip("/").split("/")
        group = steps[1] if steps[0] == "apis" else ""
        after = steps[steps.index("namespaces") + 2 :]
        resource = "/".join([after[0], *after[2:3]])
        return group, resource, after[1] if len(after) > 1 else "", parse_qs(parts.query)

    def _allowed(self, verb: str, group: str, resource: str) -> bool:
        token = (
            (self.headers["Authorization"] or "").removeprefix("Bearer ").removeprefix("bearer ")
        )
        if self.api.roles.allows(token, verb, group, resource):
            return True
        self._answer(403, {"message": f"{verb} {resource} is forbidden", "reason": "Forbidden"})
        return False

    def _answer(self, status: int, body: Object) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _answer_text(self, text: str) -> None:
        self._send(200, "text/plain", text.encode())

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _ended(code: int, now: str) -> Object:
    ended = {"exitCode": abs(code), "startedAt": now, "finishedAt": now}
    return {"terminated": ended}


def pod_of(job: Object) -> Any:
    """Return the pod that a Job starts."""
    [pod] = pods([job])
    return pod
