"""A backend that behaves as a test wants, and the environment of a run without any other."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from wait_for import wait_a_while_for

Behave = Callable[[int], int]


@dataclass
class Backend:
    """An HTTP server that keeps the events it accepts.

    `behave` gets the number of requests before this one and returns the status to answer with; it
    may wait, and 0 breaks the connection off. `judge`, where there is one, does so by the event.
    `headers` and `body` are those of its answers.
    """

    behave: Behave = lambda _: 201
    judge: Callable[[dict[str, Any]], int] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    paths: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0
    authorization: list[str | None] = field(default_factory=list)
    url: str = ""

    def wait_for(self, count: int, every: float = 0.02) -> list[dict[str, Any]]:
        """Return the events once there are so many, or those there are when the time is over."""
        wait_a_while_for(lambda: len(self.events) >= count, 20, every)
        return list(self.events)


@pytest.fixture
def backend() -> Iterator[Backend]:
    """Run a backend on a free port."""
    backend = Backend()
    mutex = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with mutex:
                number, backend.requests = backend.requests, backend.requests + 1
            backend.paths.append(f"{self.command} {self.path}")
            status = backend.judge(json.loads(body)) if backend.judge else backend.behave(number)
            if status == 0:
                self.close_connection = True
                return
            if status < 300:
                backend.events.append(json.loads(body))
                backend.authorization.append(self.headers.get("authorization"))
            self.send_response(status)
            for name, value in backend.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(backend.body)))
            self.end_headers()
            self.wfile.write(backend.body)

        def do_GET(self) -> None:
            backend.paths.append(f"{self.command} {self.path}")
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    backend.url = f"http://127.0.0.1:{server.server_port}"
    yield backend
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take away every lineage setting of this machine, and stand in an empty folder."""
    import os

    for name in list(os.environ):
        if name.startswith("OPENLINEAGE"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)


@pytest.fixture
def project_dir(tmp_path: Path) -> Path:
    """Return an empty product folder."""
    folder = tmp_path / "product"
    folder.mkdir()
    return folder
