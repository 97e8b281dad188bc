"""Limit what a request of the library `requests` takes: its time as a whole, and its answer.

The library's own time limits are for each read: a receiver that sends a byte a second never exceeds
them.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Any

import requests.sessions
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ReadTimeout
from urllib3 import Retry
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import InvalidHeader

# Longer than usual time limits: what a slow receiver accepts after that would be sent twice.
LONGEST_SECONDS = 20.0
_MOST_BYTES = 1_000_000
_LONGEST_WAIT_SECONDS = 3600.0


def seconds_to_wait(response: Response | None) -> float:
    """Return how long the receiver wants not to be asked, by `Retry-After`; at most an hour."""
    wanted = response.headers.get("retry-after") if response is not None else None
    with suppress(InvalidHeader):
        return min(Retry().parse_retry_after(wanted), _LONGEST_WAIT_SECONDS) if wanted else 0.0
    return 0.0


class BoundedAdapter(HTTPAdapter):
    """Hangs up when the time of a request is over. Of a larger answer, the beginning is kept.

    The time is the request's own time limit if that is one number, or else `LONGEST_SECONDS`.
    """

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Send a request and read its answer."""
        limit = options.get("timeout")
        seconds = float(limit) if isinstance(limit, int | float) else LONGEST_SECONDS
        with _hanging_up_after(seconds) as is_over:
            cause: Exception | None = None
            try:
                response = super().send(request, *args, **{**options, "stream": True})
                response = _with_body(response)
            except Exception as error:
                if not is_over():
                    raise
                cause = error
            if is_over():
                what = f"no whole answer within {seconds:g} s"
                raise ReadTimeout(what, request=request) from cause
            return response

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        """Return the pool of connections for a request, which can be hung up."""
        pool = super().get_connection_with_tls_context(*args, **options)
        if not issubclass(pool.ConnectionCls, _NotedConnection):
            pool.ConnectionCls = type("Connection", (_NotedConnection, pool.ConnectionCls), {})
        return pool


def bound_all_requests(adapter: type[BoundedAdapter] = BoundedAdapter) -> None:
    """Limit every request of this process, which must be one that only sends."""
    requests.sessions.HTTPAdapter = adapter  # type: ignore[attr-defined]


class _InUse(threading.local):
    """The connection of this thread's request."""

    connections: list[Any] | None = None


_in_use = _InUse()


class _NotedConnection:
    """Notes that the current request uses it."""

    def connect(self) -> None:
        _note(self)
        super().connect()  # type: ignore[misc]

    def request(self, *args: Any, **options: Any) -> None:
        _note(self)
        super().request(*args, **options)  # type: ignore[misc]


def _note(connection: Any) -> None:
    if _in_use.connections is not None:
        _in_use.connections.append(connection)


@contextmanager
def _hanging_up_after(seconds: float) -> Iterator[Callable[[], bool]]:
    """Shut down the connections of this thread's request at the end of the time."""
    used: list[Any] = []
    is_over = threading.Event()

    def hang_up() -> None:
        is_over.set()
        for connection in used:
            with suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    _in_use.connections = used
    try:
        yield is_over.is_set
    finally:
        _in_use.connections = None
        timer.cancel()


def _with_body(response: Response) -> Response:
    """Return the response with the beginning of its body, which is read here."""
    raw = response.raw
    body = raw.read(_MOST_BYTES + 1, decode_content=True)
    if len(body) > _MOST_BYTES:
        raw.close()
    raw.release_conn()
    response.raw = BytesIO(body)
    return response
