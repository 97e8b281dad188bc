"""Ends a launched run when its server is gone, instead of retrying requests for minutes."""

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
    client retries requests to a server that is gone.
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
    """Return whether nothing listens there; a server that is slow to respond still listens."""
    try:
        socket.create_connection(place, timeout=POLL_SECONDS).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False
