"""A web server whose answers do not end: a byte from time to time, or as much as fits."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

HEAD = b"HTTP/1.1 201 Created\r\nContent-Length: 8000000000\r\n\r\n"


@contextmanager
def endless_server(head: bytes = HEAD, part: bytes = b" ", pause: float = 0.2) -> Iterator[int]:
    """Answer every request with a head, and then with the same part again and again.

    Yields the port.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(head)
                while True:
                    connection.sendall(part)
                    time.sleep(pause)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=answer, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
