"""A receiver for the alerts that a run left to be sent."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from floe_conformance import kit_product
from floe_core.alerts import flush, status
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# Orchestrators may process the end of a run in the background.
PATIENCE_SECONDS = 30.0
# A duplicate alert, which would be wrong, comes after the first.
QUIET_SECONDS = 3.0


def receive_alerts(product: CompiledArtifacts, *, is_expected: bool) -> list[str]:
    """Return the titles that a receiver gets, once the orchestrator has written the alerts."""
    deadline = time.monotonic() + (PATIENCE_SECONDS if is_expected else 0.0)
    while not status(product).waiting and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(QUIET_SECONDS)
    with _receiver() as titles:
        for done in flush(product, PATIENCE_SECONDS):
            assert not done.waiting, done.reason
    return titles


@contextmanager
def _receiver() -> Iterator[list[str]]:
    """Yield the titles of alerts as they are posted; set the product's variable to the URL."""
    titles: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            titles.append(json.loads(body)["title"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        os.environ[kit_product.ALERT_VARIABLE] = f"json://127.0.0.1:{server.server_port}/"
        yield titles
    finally:
        del os.environ[kit_product.ALERT_VARIABLE]
        server.shutdown()
        server.server_close()
