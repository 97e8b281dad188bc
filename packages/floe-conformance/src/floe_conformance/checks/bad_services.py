"""Services that misbehave, each at an address of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

Talk = Callable[[socket.socket], None]

_LONGER_THAN_ALLOWED = 15


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
