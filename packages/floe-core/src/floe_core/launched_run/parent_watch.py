"""The parent of a launched run: when it is gone, or closes our input, the run is interrupted."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class ParentWatch:
    """Watches our standard input from a thread, from the moment it is made.

    A process that does not end within `patience` seconds of the interrupt is killed with its group.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._announce: Callable[[], None] | None = None
        self._lock = threading.Lock()
        threading.Thread(target=self._watch, name="floe-parent", daemon=True).start()

    @contextmanager
    def announcing(self, announce: Callable[[], None]) -> Iterator[None]:
        """Call this before an interrupt of the block, from another thread.

        To an orchestrator that takes an interrupt alone for an accident it can say who wants it.
        """
        with self._lock:
            self._announce = announce
        try:
            yield
        finally:
            with self._lock:
                self._announce = None

    def _watch(self) -> None:
        # Unbuffered: a thread that holds the buffer's lock would break the interpreter's exit.
        while os.read(sys.stdin.fileno(), 1):
            pass
        with self._lock:
            if self._announce is not None:
                self._announce()
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(self._patience)
        os.killpg(os.getpgid(0), signal.SIGKILL)
