"""Services that misbehave, and calls to them, made concurrently under one time limit."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from floe_conformance.subject import SECRET

Talk = Callable[[socket.socket], None]

_LONGER_THAN_ALLOWED = 15

LIMIT_SECONDS = 10.0
# The limit is counted in naps: on a busy machine, those who nap are held up as the calls are.
_NAP_SECONDS = 0.1
USER = "floe"
# The form in which a password in a URL is sent, and so may be echoed.
_ENCODED = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
Result = TypeVar("Result")


@dataclass
class Attempt(Generic[Result]):
    """One call. With neither a result nor an error, it had not returned by the time limit."""

    result: Result | None = None
    error: BaseException | None = None

    @property
    def is_over(self) -> bool:
        """Whether the call returned or raised."""
        return self.result is not None or self.error is not None


def call_all_at_once(calls: Mapping[str, Callable[[], Result]]) -> dict[str, Attempt[Result]]:
    """Return the outcome of each call by the time limit. A call that hangs is abandoned."""
    attempts: dict[str, Attempt[Result]] = {name: Attempt() for name in calls}
    threads = [
        threading.Thread(target=_attempt, args=(call, attempts[name]), daemon=True)
        for name, call in calls.items()
    ]
    for thread in threads:
        thread.start()
    for _ in range(round(LIMIT_SECONDS / _NAP_SECONDS)):
        if any(thread.is_alive() for thread in threads):
            time.sleep(_NAP_SECONDS)
    return {name: Attempt(a.result, a.error) for name, a in attempts.items()}


def _attempt(call: Callable[[], Result], attempt: Attempt[Result]) -> None:
    try:
        attempt.result = call()
    # One of the checks is that no call raises any exception.
    except Exception as error:  # noqa: BLE001
        attempt.error = error


def shows_secret(text: str) -> bool:
    """Return whether a text contains the secret, plain or encoded as it is sent."""
    return SECRET in text or _ENCODED in text


@contextmanager
def bad_services() -> Iterator[dict[str, str]]:
    """Yield fault of a service -> its host and port."""
    with ExitStack() as stack, socket.create_server(("127.0.0.1", 0)) as closed:
        unused = f"127.0.0.1:{closed.getsockname()[1]}"
        closed.close()
        served = {name: stack.enter_context(_serving(talk)) for name, talk in _TALKS.items()}
        yield {
            "nothing listens": unused,
            "no such host": "floe-no-such-host.invalid:8080",
            **served,
        }


@contextmanager
def _serving(talk: Talk) -> Iterator[str]:
    """Serve every connection with a function; yield host and port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, talk), daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def _accept(listener: socket.socket, talk: Talk) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_talk, args=(connection, talk), daemon=True).start()


def _talk(connection: socket.socket, talk: Talk) -> None:
    with suppress(OSError), connection:
        talk(connection)


def _silent(connection: socket.socket) -> None:
    connection.recv(65536)
    time.sleep(_LONGER_THAN_ALLOWED)


def _drip(connection: socket.socket) -> None:
    connection.recv(65536)
    for byte in b"HTTP/1.1 200 OK\r\nX-Filler: " + b"." * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(1)


def _web_page(connection: socket.socket) -> None:
    connection.recv(65536)
    _answer(connection, "200 OK", b"<html><body>Welcome</body></html>")


def _no_such_page(connection: socket.socket) -> None:
    connection.recv(65536)
    _answer(connection, "404 Not Found", b"<html><body>Not found</body></html>")


def _other_json(connection: socket.socket) -> None:
    connection.recv(65536)
    _answer(connection, "200 OK", b'{"data": {"instance": null}, "items": [null]}')


def _echo_of_the_request(connection: socket.socket) -> None:
    """Fail and echo the request, headers included, as error pages in debug mode do."""
    _answer(connection, "500 Internal Server Error", connection.recv(65536))


def _redirect(connection: socket.socket) -> None:
    connection.recv(65536)
    _answer(connection, "302 Found", b"", "Location: /again\r\n")


def _answer(connection: socket.socket, status: str, body: bytes, headers: str = "") -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    connection.sendall(head.encode() + body)


_TALKS: dict[str, Talk] = {
    "accepts and is silent": _silent,
    "sends a byte a second": _drip,
    "is a web page": _web_page,
    "has no such page": _no_such_page,
    "answers with other JSON": _other_json,
    "fails and echoes": _echo_of_the_request,
    "redirects without end": _redirect,
}
