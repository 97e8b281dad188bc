"""A line to a server that can be cut and repaired."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType


class BrokenLine:
    """Passes on what comes to a port of this machine, until it is cut: then nothing answers there.

    What was connected when it was cut stays cut when it is repaired.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = self._listening(0)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> BrokenLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.cut()

    def cut(self) -> None:
        """Close all that is open, and listen no more."""
        with self._lock:
            for each in (self._listener, *self._open):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
            self._open.clear()

    def mend(self) -> None:
        """Listen again, at the same port."""
        self._listener = self._listening(self.port)

    def _listening(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                ours, _ = listener.accept()
            except OSError:
                return
            theirs = socket.create_connection(self._target)
            with self._lock:
                # Nobody has cut what was accepted but not passed on when the line was cut.
                if listener.fileno() == -1:
                    ours.close()
                    theirs.close()
                    return
                self._open += [ours, theirs]
            for one, other in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for each in (one, other):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
