"""Send one request to an HTTP service, with a strict time limit."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx


MAX_BODY_BYTES = 1_000_000
MAX_REDIRECTS = 3
_TLS_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")


def is_supported(version: str, supported: str) -> bool:
    """Return whether a service has a version in a range; one that is no version is in none.

    >>> is_supported("3.3.0rc1", ">=3.2,<4"), is_supported("4.0", ">=3.2,<4")
    (True, False)
    """
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        return SpecifierSet(supported).contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


class NoAnswerError(Exception):
    """The service gave no usable answer. `reason` is a message without secrets."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, whatever its status. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class _Question:
    method: str
    url: str
    json_body: Any
    headers: Mapping[str, str]
    deadline: float
    progress: str = "looking up or connecting to the host"
    connection: Any = None
    answer: Future[Answer] = field(default_factory=Future)


def send_request(
    method: str,
    url: str,
    *,
    json_body: Any = None,
    headers: Mapping[str, str] | None = None,
    deadline: float,
) -> Answer:
    """Send one request and return the answer; `deadline` is a moment of `time.monotonic()`.

    Follows a few redirects. A silent name server, a handshake that never ends and a slow body all
    count: at the deadline the request is abandoned in its own thread, which cannot keep the process
    alive.

    Raises:
        NoAnswerError: There is no usable answer; the reason has no user info, query or headers.
    """
    question = _Question(method, url, json_body, headers or {}, deadline)
    started = time.monotonic()
    if started >= deadline:
        raise NoAnswerError(f"{without_secrets(url)}: no time left to send a request")
    # No thread pool: the interpreter waits for a pool's threads when it exits.
    Thread(target=_run, args=(question,), name="floe-service-probe", daemon=True).start()
    try:
        return question.answer.result(timeout=max(deadline - time.monotonic(), 0))
    except TimeoutError:
        spent = time.monotonic() - started
        reason = f"gave up after {spent:.1f} s while {question.progress}"
        _hang_up(question)
        raise NoAnswerError(f"{without_secrets(url)}: {reason}") from None


def without_secrets(url: str) -> str:
    """Return the URL without user info, query and fragment, for messages.

    >>> without_secrets("https://user:pass@example.com:8080/api?token=1")
    'https://example.com:8080/api'
    """
    host = _host(url)
    # An `@` after the host means that the password contains a `/`, `?` or `#`, and was cut there.
    if not host or "@" in url.rpartition(host)[2]:
        return url.partition("://")[0] + "://..." if "://" in url else "..."
    return f"{urlsplit(url).scheme}://{host}{urlsplit(url).path}"


def _host(url: str) -> str:
    """Return host and port, or "" if the URL has no valid ones."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return ""
    return parts.netloc.rpartition("@")[2]


def _run(question: _Question) -> None:
    try:
        question.answer.set_result(_exchange(question))
    except BaseException as error:  # noqa: BLE001 - handed to the caller, not swallowed
        question.answer.set_exception(error)


def _exchange(question: _Question) -> Answer:
    import httpx

    shown = without_secrets(question.url)
    try:
        return _request(question)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        # Neither the error's own text nor the error as a cause: both may quote the URL.
        raise NoAnswerError(f"{shown}: {_reason(error, question)}") from None


@cache
def _tls(*variables: str | None) -> ssl.SSLContext:
    """Return what checks certificates, by the variables that name them: it takes 20 ms to make."""
    import httpx

    return httpx.create_ssl_context()


def _request(question: _Question) -> Answer:
    import httpx

    remaining = max(question.deadline - time.monotonic(), 0.001)
    tls = _tls(*map(os.environ.get, _TLS_VARIABLES))
    with (
        httpx.Client(
            verify=tls, timeout=remaining, follow_redirects=True, max_redirects=MAX_REDIRECTS
        ) as client,
        client.stream(
            question.method,
            question.url,
            json=question.json_body,
            headers={"accept-encoding": "identity", "connection": "close", **question.headers},
            extensions={"trace": lambda event, info: _note_progress(question, event, info)},
        ) as response,
    ):
        return Answer(response.status_code, dict(response.headers), _body(response, question))


def _body(response: httpx.Response, question: _Question) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            shown = without_secrets(question.url)
            raise NoAnswerError(f"{shown}: the answer is larger than {MAX_BODY_BYTES:,} bytes")
    return bytes(body)


_PROGRESS = {
    "connection.connect_tcp.started": "looking up or connecting to the host",
    "connection.start_tls.started": "waiting for the TLS handshake",
    "http11.send_request_headers.started": "sending the request",
    "http11.receive_response_headers.started": "waiting for an answer on an accepted connection",
    "http11.receive_response_body.started": "reading an answer that kept coming",
}


def _note_progress(question: _Question, event: str, info: Mapping[str, Any]) -> None:
    """Record httpcore's trace events, for the error's reason and for the socket to shut down."""
    question.progress = _PROGRESS.get(event, question.progress)
    if event == "connection.connect_tcp.complete":
        question.connection = info["return_value"].get_extra_info("socket")


def _hang_up(question: _Question) -> None:
    """Shut down the connection, so that the abandoned thread ends instead of reading forever."""
    if question.connection is not None:
        with suppress(OSError):
            question.connection.shutdown(socket.SHUT_RDWR)


def _reason(error: Exception, question: _Question) -> str:
    import httpx

    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return "no such host name"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {getattr(cause, 'verify_message', '') or cause.reason}"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused: nothing listens there"
    if isinstance(error, httpx.TimeoutException):
        return f"timed out while {question.progress}"
    if isinstance(error, httpx.TooManyRedirects):
        return f"redirects more than {MAX_REDIRECTS} times"
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | ValueError):
        return "not a usable http or https URL or header"
    if isinstance(error, httpx.NetworkError | httpx.ProtocolError):
        return f"the connection broke or did not speak HTTP while {question.progress}"
    return f"failed with {type(error).__name__} while {question.progress}"


def _causes(error: BaseException | None) -> list[BaseException]:
    """Return the error and its causes, outermost first."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


AT_ONCE = 16

_Thing = TypeVar("_Thing")
_Result = TypeVar("_Result")


def read_in_threads(read: Callable[[_Thing], _Result], things: Iterable[_Thing]) -> list[_Result]:
    """Return what `read` returns for each thing, in order; up to `AT_ONCE` are read at a time."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(AT_ONCE, "floe-read") as pool:
        return list(pool.map(read, things))
