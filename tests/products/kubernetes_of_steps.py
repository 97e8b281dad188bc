"""The pods of the Kubernetes API on a port of this machine; their containers run as processes.

This is no cluster: the image is not looked at, and its command runs here, with nothing but the
environment that the pod gives it. A container's termination log is a file of its own.
"""

from __future__ import annotations

import json
import re
import signal
import ssl
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from json_answers import JsonHandler
from kubernetes_validate import validate

Pod = dict[str, Any]
# Tells whether the owner of a token may do something: (token, verb, resource).
Allows = Callable[[str, str, str], bool]
_PODS = re.compile(r"/api/v1/namespaces/([^/]+)/pods(?:/([^/]+)(/log)?)?")
VERSION_OF_SCHEMA = "1.32"


class Cluster:
    """Pods by name. `created` and `deleted` are kept for good; `is_away` makes the API fail.

    `waiting` is a reason for which containers do not start. `breaks` is after how many lines a
    followed log breaks off.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pods: dict[str, _RunningPod] = {}
        self.created: list[Pod] = []
        self.deleted: list[str] = []
        self.is_away = False
        self.waiting: dict[str, str] = {}
        self.breaks: int | None = None
        self.port = 0

    def create(self, pod: Pod) -> Pod:
        """Start a pod. `ValueError` where the API would refuse it, KeyError where it is there."""
        validate(pod, VERSION_OF_SCHEMA, strict=True)
        name = pod["metadata"]["name"]
        if name in self._present():
            raise KeyError(name)
        pod["metadata"]["uid"] = str(uuid.uuid4())
        self.created.append(json.loads(json.dumps(pod)))
        self._pods[name] = _RunningPod(pod, self._folder, self.waiting)
        return self._pods[name].as_object()

    def get(self, name: str) -> Pod:
        """Return a pod with its status. KeyError where there is none."""
        return self._present()[name].as_object()

    def names(self) -> list[str]:
        """Return what pods are there."""
        return list(self._present())

    def listed(self, selector: str) -> list[Pod]:
        """Return the pods with these labels."""
        wanted = dict(term.split("=") for term in selector.split(","))
        found = [pod.as_object() for pod in self._present().values()]
        return [pod for pod in found if wanted.items() <= pod["metadata"]["labels"].items()]

    def delete(self, name: str) -> Pod:
        """Stop a pod. One whose container works on is there until that has ended."""
        pod = self._present()[name]
        self.deleted.append(name)
        pod.is_deleted = True
        threading.Thread(target=pod.stop, daemon=True).start()
        return pod.as_object()

    def _present(self) -> dict[str, _RunningPod]:
        return {
            name: pod for name, pod in self._pods.items() if pod.is_at_work() or not pod.is_deleted
        }

    def log(self, name: str, since_seconds: int | None) -> Iterator[str]:
        """Yield the lines of a log until the container ends, or the log breaks off."""
        since = 0.0 if since_seconds is None else time.time() - since_seconds
        lines = self._pods[name].follow()
        for number, (written, line) in enumerate(lines):
            if self.breaks is not None and number >= self.breaks:
                return
            if written >= since:
                yield line

    def close(self) -> None:
        """Stop what is left."""
        for pod in self._pods.values():
            pod.stop()


class _RunningPod:
    def __init__(self, pod: Pod, folder: Path, waiting: dict[str, str]) -> None:
        self._pod = pod
        self._waiting = dict(waiting)
        self.is_deleted = False
        [self._container] = pod["spec"]["containers"]
        self._message = folder / f"{pod['metadata']['name']}.termination-log"
        self._lines: list[tuple[float, str]] = []
        self._news = threading.Condition()
        self._ended = False
        self._process: subprocess.Popen[str] | None = None
        if not waiting:
            self._start()

    def _start(self) -> None:
        path = self._container.get("terminationMessagePath", "/dev/termination-log")
        env = {each["name"]: each["value"] for each in self._container["env"]}
        here = {k: str(self._message) if v == path else v for k, v in env.items()}
        self._process = subprocess.Popen(
            self._container["command"],
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", **here},
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            now = time.time()
            at = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
            with self._news:
                self._lines.append((now, f"{at} {line.rstrip()}"))
                self._news.notify_all()
        self._process.wait()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def follow(self) -> Iterator[tuple[float, str]]:
        seen = 0
        while True:
            with self._news:
                if seen == len(self._lines) and not self._ended:
                    self._news.wait(0.2)
                new, ended = self._lines[seen:], self._ended
            seen += len(new)
            yield from new
            if ended and not new:
                return

    def is_at_work(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
            self._process.kill()

    def as_object(self) -> Pod:
        return {**self._pod, "status": self._status()}

    def _status(self) -> Pod:
        if self._process is None:
            return self._status_of("Pending", {"waiting": self._waiting})
        if not self._ended:
            return self._status_of("Running", {"running": {"startedAt": "2026-01-01T00:00:00Z"}})
        code = self._process.returncode
        ended: Pod = {"exitCode": code if code >= 0 else 128 - code}
        ended["reason"] = "Error" if code else "Completed"
        if self._message.exists():
            ended["message"] = self._message.read_text()[:4096]
        return self._status_of("Failed" if code else "Succeeded", {"terminated": ended})

    def _status_of(self, phase: str, state: Pod) -> Pod:
        name = self._container["name"]
        return {"phase": phase, "containerStatuses": [{"name": name, "state": state}]}


@contextmanager
def kubernetes(
    folder: Path,
    *,
    keys: tuple[Path, Path] | None = None,
    allows: Allows = lambda *_: True,
) -> Iterator[tuple[Cluster, Path]]:
    """Yield a cluster and a kubeconfig that leads to it.

    With `keys`, the files of a key and its certificate, it answers by TLS.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(cluster, allows))
    server.daemon_threads = True
    if keys:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys[1], keys[0])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    cluster.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    config = folder / "kubeconfig"
    config.write_text(json.dumps(_kubeconfig(f"http://127.0.0.1:{server.server_port}")))
    try:
        yield cluster, config
    finally:
        server.shutdown()
        server.server_close()
        cluster.close()


def _kubeconfig(url: str) -> Pod:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": {}}],
        "contexts": [
            {"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "data"}}
        ],
        "current-context": "here",
    }


def _handler(cluster: Cluster, allows: Allows) -> type[JsonHandler]:
    class Handler(JsonHandler):
        def handle_one(self) -> None:
            body = self.body()
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            found = _PODS.fullmatch(url.path)
            if cluster.is_away:
                self.answer(503, {"kind": "Status", "reason": "ServiceUnavailable"})
            elif not found or found[1] != "data":
                self.answer(404, {"kind": "Status", "reason": "NotFound"})
            elif not self._may(found[2], found[3]):
                self.answer(403, {"kind": "Status", "reason": "Forbidden"})
            elif found[3]:
                since = query.get("sinceSeconds")
                self._log(cluster.log(found[2], None if since is None else int(since)))
            else:
                self._pods(found[2], body, query.get("labelSelector", ""))

        do_GET = do_POST = do_DELETE = handle_one

        def _may(self, name: str | None, log: str | None) -> bool:
            verbs = {"POST": "create", "DELETE": "delete", "GET": "get" if name else "list"}
            token = self.headers.get("Authorization", "").partition(" ")[2]
            return allows(token, verbs[self.command], "pods/log" if log else "pods")

        def _pods(self, name: str | None, body: Any, selector: str) -> None:
            try:
                if self.command == "POST":
                    self.answer(201, cluster.create(body))
                elif name is None:
                    self.answer(200, {"kind": "PodList", "items": cluster.listed(selector)})
                else:
                    act = cluster.delete if self.command == "DELETE" else cluster.get
                    self.answer(200, act(name))
            except KeyError:
                status = 409 if self.command == "POST" else 404
                self.answer(status, {"kind": "Status", "reason": "none or twice"})

        def _log(self, lines: Iterator[str]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            with suppress(OSError):
                for line in lines:
                    data = f"{line}\n".encode()
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")

    return Handler
