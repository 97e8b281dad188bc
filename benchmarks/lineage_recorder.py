"""An OpenLineage backend that keeps the events it is sent, and takes anything else."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Event = dict[str, Any]


class Recorder:
    """The events so far, in the order in which they came."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.events: list[Event] = []

    def settled(self, seconds: float = 3.0) -> list[Event]:
        """Return the events once no more have come for some seconds."""
        count, since = -1, time.monotonic()
        while time.monotonic() - since < seconds:
            if len(self.events) != count:
                count, since = len(self.events), time.monotonic()
            time.sleep(0.1)
        return list(self.events)


@contextmanager
def recording() -> Iterator[Recorder]:
    """Run a backend on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-type", "").startswith("application/json"):
                recorder.events.append(json.loads(body))
            self.send_response(201)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    recorder = Recorder(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()
