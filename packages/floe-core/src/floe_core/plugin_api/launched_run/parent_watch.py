"""Interrupt a launched run when its parent is gone or closes this process's standard input."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from floe_core.foundation.lost_interrupts import interrupt_again


class ParentWatch:
    """Watches standard input from a thread, from its construction in the main thread on.

    If this process does not end within `patience` seconds of the interrupt, its group is killed.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._announce: Callable[[], None] | None = None
        self._lock = threading.Lock()
        # What a script starts in the background ignores interrupts, and so do its children.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        interrupt_again()
        threading.Thread(target=self._watch, name="floe-parent", daemon=True).start()

    @contextmanager
    def announcing(self, announce: Callable[[], None]) -> Iterator[None]:
        """Call `announce` from another thread before an interrupt of the block.

        It can report who requested it to an orchestrator that treats a bare interrupt as a failure.
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
