"""A server of S3's interface (moto's), whose answers a test may change."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

BUCKET = "ledgers"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "floe",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}

Answer = Iterable[bytes]
App = Callable[[dict[str, Any], Callable[..., Any]], Answer]
# Gets a request, what starts the answer, and the server behind it.
Fault = Callable[[dict[str, Any], Callable[..., Any], App], Answer]


class S3Server:
    """The server; `requests` are the methods and paths that it got."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.requests: list[tuple[str, str]] = []
        self.fault: Fault | None = None

    def __call__(self, request: dict[str, Any], start: Callable[..., Any]) -> Answer:
        """Answer one request, as WSGI asks for it."""
        self.requests.append((request["REQUEST_METHOD"], request["PATH_INFO"]))
        return self.fault(request, start, self._app) if self.fault else self._app(request, start)


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Start a server with the bucket `ledgers`; programs find it by their environment."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from s3fs import S3FileSystem
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Silent(WSGIRequestHandler):
        def log(self, *_: object, **__: object) -> None:
            """Write nothing."""

    app = S3Server(DomainDispatcherApplication(create_backend_app))
    # One request at a time: moto looks for an object and writes it in two steps.
    server = make_server("127.0.0.1", 0, app, threaded=False, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        url = f"http://127.0.0.1:{server.server_port}"
        patch.setenv("AWS_ENDPOINT_URL", url)
        # fsspec keeps file systems, and with them the server that they talk to.
        S3FileSystem.clear_instance_cache()
        try:
            # What an earlier server of this process kept.
            httpx.post(f"{url}/moto-api/reset").raise_for_status()
            S3FileSystem().mkdir(BUCKET)
            yield app
        finally:
            S3FileSystem.clear_instance_cache()
            server.shutdown()
            thread.join()
            server.server_close()


def answered(status: str, code: str) -> Fault:
    """Return a fault: one of S3's errors."""
    text = f"<Error><Code>{code}</Code><Message>it says {code}</Message></Error>".encode()
    headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(text)))]

    def answer(request: dict[str, Any], start: Callable[..., Any], _: App) -> Answer:
        request["wsgi.input"].read(int(request.get("CONTENT_LENGTH") or 0))
        start(status, headers)
        # A body after a head would be read as the start of another answer.
        return [] if request["REQUEST_METHOD"] == "HEAD" else [text]

    return answer
