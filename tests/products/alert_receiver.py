"""A receiver of alerts: a web server that keeps what is posted to it, and may be away."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from free_port import free_port


class AlertReceiver:
    """Takes what Apprise's `json://` posts. `posted` are the alerts that it has taken, in order.

    `answer` gets the number of requests before this one and returns the status; it may wait.
    `headers` are those of its answers.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"json://127.0.0.1:{self.port}/alerts"
        self.posted: list[dict[str, Any]] = []
        self.requests = 0
        self.answer: Callable[[int], int] = lambda _: 200
        self.headers: dict[str, str] = {}
        self._server: ThreadingHTTPServer | None = None

    @property
    def titles(self) -> list[str]:
        """What was posted, by title."""
        return [each["title"] for each in self.posted]

    def about(self, product: str) -> list[str]:
        """Return the titles of what was posted about a product, without its name."""
        return [t.partition(": ")[2] for t in self.titles if t.partition(": ")[0] == product]

    def counts(self) -> Counter[str]:
        """Return how often each title was posted."""
        return Counter(self.titles)

    def wait_for(self, count: int, seconds: float = 30.0, quiet: float = 1.0) -> list[str]:
        """Return the titles, once there are so many and no other came for a while after that."""
        deadline = time.monotonic() + seconds
        while len(self.posted) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(quiet)
        return self.titles

    def open(self) -> None:
        """Listen."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                number, receiver.requests = receiver.requests, receiver.requests + 1
                status = receiver.answer(number)
                if status < 300:
                    receiver.posted.append(json.loads(body))
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Go away: connections are refused from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def alert_receiver() -> Iterator[AlertReceiver]:
    """Run a receiver on a free port."""
    receiver = AlertReceiver()
    receiver.open()
    try:
        yield receiver
    finally:
        receiver.close()
