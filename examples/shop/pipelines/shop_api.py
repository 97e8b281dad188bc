"""The shop's HTTP API, so that the example needs no other: pages of customers and of orders."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE_SIZE = 25
FIRST_NAMES = ("Ada", "Grace", "Edsger", "Barbara", "Alan", "Frances", "Donald", "Radia")


def customers() -> list[dict[str, Any]]:
    """Return 60 customers; those with a number that 10 divides have never ordered."""
    return [
        {"id": number, "name": f"{FIRST_NAMES[number % len(FIRST_NAMES)]} {number}"}
        for number in range(1, 61)
    ]


def orders() -> list[dict[str, Any]]:
    """Return 200 orders of a year."""
    buyers = [number for number in range(1, 61) if number % 10]
    return [
        {
            "id": number,
            "customer_id": buyers[(number * number + number // 3) % len(buyers)],
            "cents": 500 + (number * 7919) % 20_000,
            "ordered_on": f"2026-{1 + number * 5 % 12:02}-{1 + number * 11 % 28:02}",
        }
        for number in range(1, 201)
    ]


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        rows = {"/customers": customers, "/orders": orders}.get(parts.path)
        if rows is None:
            return self.send_error(404)
        page = int(parse_qs(parts.query).get("page", ["1"])[0])
        start = (page - 1) * PAGE_SIZE
        everything = rows()
        body = {"items": everything[start : start + PAGE_SIZE], "total": len(everything)}
        self._send(json.dumps(body).encode())

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each request."""


@contextmanager
def serving() -> Iterator[str]:
    """Serve the API on a free port of this machine, and give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
