"""A server that says what a function says, for what asks services that answer as none should."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Talk = Callable[[socket.socket], None]


@contextmanager
def talking_server(talk: Talk) -> Iterator[str]:
    """Give the URL of a server that hands each connection to `talk`, in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, talk), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def _accept(server: socket.socket, talk: Talk) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_talk, args=(talk, connection), daemon=True).start()


def _talk(talk: Talk, connection: socket.socket) -> None:
    with suppress(OSError), connection:
        talk(connection)
