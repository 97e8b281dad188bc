"""Pods of the Kubernetes API, answered here: created, listed, watched, patched and removed.

This is no cluster; see `kubernetes_api` for its Jobs. It hands each new pod to `start`, which runs it
and returns whether it ended well. What is tested with it is the asking side: a real executor, its
client, and the pods that it builds.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from helm_engine import NAMESPACE
from json_answers import JsonHandler
from pods import Object
from rendered_roles import RenderedRoles

_LIST = re.compile(r"/api/v1/namespaces/([^/]+)/pods")
_ONE = re.compile(r"/api/v1/namespaces/([^/]+)/pods/([^/]+)")
_PODS = {
    "kind": "APIResourceList",
    "groupVersion": "v1",
    "resources": [
        {
            "name": "pods",
            "singularName": "pod",
            "namespaced": True,
            "kind": "Pod",
            "verbs": ["list"],
        }
    ],
}
_DISCOVERY: dict[str, Object] = {
    "/version": {"major": "1", "minor": "32", "gitVersion": "v1.32.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": _PODS,
}


class Pods:
    """The pods of a namespace, and what happened to them, in order."""

    def __init__(self, start: Callable[[Object], bool]) -> None:
        self._start = start
        self._pods: dict[str, Object] = {}
        self._news = threading.Condition()
        self._version = 1
        self.created: list[Object] = []
        self.events: list[tuple[int, str, Object]] = []

    @property
    def version(self) -> str:
        """The version of the whole list."""
        return str(self._version)

    def create(self, pod: Object) -> Object:
        """Keep the pod and run it in the background."""
        self.created.append(json.loads(json.dumps(pod)))
        made = {"uid": str(uuid.uuid4()), "creationTimestamp": datetime.now(UTC).isoformat()}
        pod = {**pod, "metadata": {**pod["metadata"], **made}, "status": {"phase": "Pending"}}
        self._tell("ADDED", pod)
        threading.Thread(target=self._run, args=(pod["metadata"]["name"],), daemon=True).start()
        return pod

    def _run(self, name: str) -> None:
        self._set_phase(name, "Running")
        self._set_phase(name, "Succeeded" if self._start(self.get(name)) else "Failed")

    def _set_phase(self, name: str, phase: str) -> None:
        with self._news:
            if name in self._pods:
                self._tell("MODIFIED", {**self._pods[name], "status": {"phase": phase}})

    def get(self, name: str) -> Object:
        """Return a pod. KeyError where there is none."""
        return self._pods[name]

    def listed(self, labels: str, fields: str) -> list[Object]:
        """Return the pods that the selectors choose."""
        return [pod for pod in self._pods.values() if _is_chosen(pod, labels, fields)]

    def patch(self, name: str, change: Object) -> Object:
        """Merge a change into a pod's metadata."""
        with self._news:
            pod = self._pods[name]
            metadata = dict(pod["metadata"])
            for key, value in change["metadata"].items():
                both = isinstance(value, dict) and isinstance(metadata.get(key), dict)
                metadata[key] = {**metadata[key], **value} if both else value
            return self._tell("MODIFIED", {**pod, "metadata": metadata})

    def delete(self, name: str) -> Object:
        """Forget a pod."""
        with self._news:
            pod = self._tell("DELETED", self._pods[name])
            del self._pods[name]
            return pod

    def watch(self, after: int, labels: str, seconds: float) -> Iterator[Object]:
        """Yield events after a version, as they happen."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self._news:
                new = [event for event in self.events if event[0] > after]
                if not new:
                    self._news.wait(0.5)
            for version, kind, pod in new:
                after = version
                if _is_chosen(pod, labels, ""):
                    yield {"type": kind, "object": pod}

    def _tell(self, kind: str, pod: Object) -> Object:
        with self._news:
            self._version += 1
            metadata = {**pod["metadata"], "resourceVersion": self.version}
            pod = {**pod, "apiVersion": "v1", "kind": "Pod", "metadata": metadata}
            self._pods[metadata["name"]] = pod
            self.events.append((self._version, kind, pod))
            self._news.notify_all()
            return pod


class PodsApi:
    """The API on a port of 127.0.0.1, while the block lasts, with the roles that were rendered for it.

    `keys` are the files of a key and its certificate.
    """

    def __init__(
        self, roles: RenderedRoles, keys: tuple[Path, Path], start: Callable[[Object], bool]
    ) -> None:
        self.roles = roles
        self.pods = Pods(start)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys[1], keys[0])
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def port(self) -> int:
        """Where it answers."""
        return self._server.server_port

    def __enter__(self) -> PodsApi:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(api: PodsApi) -> type[JsonHandler]:
    class Handler(JsonHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            labels = query.get("labelSelector", "")
            if url.path in _DISCOVERY:
                self.answer(200, _DISCOVERY[url.path])
            elif found := _LIST.fullmatch(url.path):
                is_watch = query.get("watch", "").lower() in ("true", "1")
                if self._may("watch" if is_watch else "list", found[1]):
                    self._watch(query, labels) if is_watch else self._list(query, labels)
            elif (found := _ONE.fullmatch(url.path)) and self._may("get", found[1]):
                self._one(lambda: api.pods.get(found[2]))
            elif not found:
                self.answer(404, _status(404))

        def do_POST(self) -> None:
            found = _LIST.fullmatch(urlsplit(self.path).path)
            if found and self._may("create", found[1]):
                self.answer(201, api.pods.create(self.body()))

        def do_PATCH(self) -> None:
            found = _ONE.fullmatch(urlsplit(self.path).path)
            body = self.body()
            if found and self._may("patch", found[1]):
                self._one(lambda: api.pods.patch(found[2], body))

        def do_DELETE(self) -> None:
            found = _ONE.fullmatch(urlsplit(self.path).path)
            if found and self._may("delete", found[1]):
                self._one(lambda: api.pods.delete(found[2]))

        def _list(self, query: dict[str, str], labels: str) -> None:
            kind = "PodList"
            if "PartialObjectMetadataList" in self.headers.get("Accept", ""):
                kind = "PartialObjectMetadataList"
            items = api.pods.listed(labels, query.get("fieldSelector", ""))
            metadata = {"resourceVersion": api.pods.version}
            self.answer(
                200, {"kind": kind, "apiVersion": "v1", "metadata": metadata, "items": items}
            )

        def _watch(self, query: dict[str, str], labels: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            seconds = float(query.get("timeoutSeconds", "60"))
            after = int(query.get("resourceVersion") or 0)
            try:
                for event in api.pods.watch(after, labels, seconds):
                    self._chunk(json.dumps(event).encode() + b"\n")
                self._chunk(b"")
            except OSError:
                return

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

        def _may(self, verb: str, namespace: str) -> bool:
            token = self.headers.get("Authorization", "").partition(" ")[2]
            if namespace == NAMESPACE and api.roles.allows(token, verb, "", "pods"):
                return True
            self.answer(403, _status(403))
            return False

        def _one(self, found: Callable[[], Object]) -> None:
            try:
                self.answer(200, found())
            except KeyError:
                self.answer(404, _status(404))

    return Handler


def _status(code: int) -> Object:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}


def _is_chosen(pod: Object, labels: str, fields: str) -> bool:
    having = pod["metadata"].get("labels", {})
    state = {"status.phase": pod["status"]["phase"], "metadata.name": pod["metadata"]["name"]}
    return _holds(labels, having) and _holds(fields, state)


def _holds(selector: str, values: dict[str, str]) -> bool:
    for term in re.split(r",(?![^(]*\))", selector):
        if among := re.fullmatch(r"\s*(\S+)\s+(in|notin)\s+\((.*)\)\s*", term):
            chosen = {each.strip() for each in among[3].split(",")}
            if (values.get(among[1]) in chosen) != (among[2] == "in"):
                return False
        elif equal := re.fullmatch(r"\s*([^=!]+?)\s*(==|=|!=)\s*(.*?)\s*", term):
            if (values.get(equal[1]) == equal[3]) != (equal[2] != "!="):
                return False
        elif term and (term.lstrip("!") in values) == term.startswith("!"):
            return False
    return True
