"""The server of a launched run: when it is gone the run ends, instead of asking it for minutes."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

POLL_SECONDS = 1.0
GONE = "the Prefect server of this run is gone, so the run was ended\n"


@contextmanager
def watching_server(api_url: str, patience: float) -> Iterator[None]:
    """Interrupt this process once nothing listens at the address any more.

    If it has not ended `patience` seconds later, it is killed with its process group: Prefect's
    client asks a server that is gone again and again.
    """
    address = urlsplit(api_url)
    place = (address.hostname or "", address.port or 0)
    is_over = threading.Event()
    watch = threading.Thread(
        target=_watch, args=(place, patience, is_over), name="floe-server", daemon=True
    )
    watch.start()
    try:
        yield
    finally:
        is_over.set()


def _watch(place: tuple[str, int], patience: float, is_over: threading.Event) -> None:
    while not is_over.wait(POLL_SECONDS):
        if _is_refused(place):
            break
    else:
        return
    sys.stderr.write(GONE)
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(patience)
    os.killpg(os.getpgid(0), signal.SIGKILL)


def _is_refused(place: tuple[str, int]) -> bool:
    """Tell whether nothing listens there; one that is slow to answer is still there."""
    try:
        socket.create_connection(place, timeout=POLL_SECONDS).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False
