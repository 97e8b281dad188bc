"""Choose the port of an orchestrator's pages."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from itertools import count

from floe_core.foundation.errors import UsageError

HOST = "127.0.0.1"
_LAST = 65535
_LOOK_SECONDS = 1.0


def is_free(port: int) -> bool:
    """Return whether a server can listen at a port of this machine."""
    with socket.socket() as probe:
        # As servers do: a port that was closed just now is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError:
            return False
    return True


def choose_port(chosen: int | None, usual: int, say: Callable[[str], None]) -> int:
    """Return the chosen port, or the first free one from the usual one on.

    Waits until a chosen port is free.

    Raises:
        UsageError: No port from the usual one on is free.
    """
    if chosen is not None:
        return _await_port(chosen, say)
    for port in count(usual):
        if port > _LAST:
            raise UsageError(f"no port from {usual} on is free; stop what uses them")
        if is_free(port):
            break
    if port != usual:
        say(f"port {usual} is in use, so the pages are at {port}; --port chooses another")
    return port


def _await_port(port: int, say: Callable[[str], None]) -> int:
    if not is_free(port):
        say(f"port {port} is in use; waiting until it is free; another --port needs no wait")
        while not is_free(port):
            time.sleep(_LOOK_SECONDS)
    return port
