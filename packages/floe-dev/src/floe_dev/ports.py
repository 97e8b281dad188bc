"""Choose the port of an orchestrator's pages."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from tempfile import gettempdir

from filelock import FileLock, Timeout

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


def reserve_port(
    chosen: int | None, usual: int, say: Callable[[str], None], until: ExitStack
) -> int:
    """Return the chosen port, or the first free one from the usual one on.

    Waits until a chosen port is free. No other `floe dev` of this user gets it until the block of
    `until` ends, even while no server listens at it yet.

    Raises:
        UsageError: No port from the usual one on is free.
    """
    if chosen is not None:
        return _await_port(chosen, say, until)
    for port in count(usual):
        if port > _LAST:
            raise UsageError(f"no port from {usual} on is free; stop what uses them")
        if _is_reserved(port, until):
            break
    if port != usual:
        say(f"port {usual} is in use, so the pages are at {port}")
    return port


def _await_port(port: int, say: Callable[[str], None], until: ExitStack) -> int:
    if not _is_reserved(port, until):
        say(f"port {port} is in use; waiting until it is free; another --port needs no wait")
        while not _is_reserved(port, until):
            time.sleep(_LOOK_SECONDS)
    return port


def _is_reserved(port: int, until: ExitStack) -> bool:
    """Reserve a port until the block ends, if it is free; return whether it was."""
    lock = FileLock(Path(gettempdir(), f"floe-dev-{os.getuid()}-{port}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return False
    if not is_free(port):
        lock.release()
        return False
    until.callback(lock.release)
    return True
