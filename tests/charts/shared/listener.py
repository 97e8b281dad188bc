"""A backend for lineage and a collector of spans in one: it keeps what it is sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Listener:
    """What came in at `url`."""

    url: str
    received: list[Received] = field(default_factory=list)

    def at(self, path: str) -> list[Received]:
        """Return what was sent to a path."""
        return [each for each in self.received if each.path == path]

    def events(self) -> list[dict[str, Any]]:
        """Return the lineage events, in the order they came in."""
        return [json.loads(each.body) for each in self.at("/api/v1/lineage")]


@contextmanager
def listening() -> Iterator[Listener]:
    """Listen on a free port, for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.received.append(Received(self.path, dict(self.headers), body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener = Listener(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
