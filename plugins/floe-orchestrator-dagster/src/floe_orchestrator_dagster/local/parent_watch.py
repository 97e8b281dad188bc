"""The parent of a launched run: when it is gone, or closes our input, the run is canceled."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from dagster import DagsterInstance

PATIENCE_SECONDS = 15.0


class ParentWatch:
    """Watches our standard input from a thread, from the moment it is made."""

    def __init__(self) -> None:
        self._under_way: tuple[DagsterInstance, str] | None = None
        self._lock = threading.Lock()
        threading.Thread(target=self._watch, name="floe-parent", daemon=True).start()

    @contextmanager
    def cancels(self, instance: DagsterInstance, run_id: str) -> Iterator[None]:
        """Have the run of this block canceled, not merely broken off."""
        with self._lock:
            self._under_way = (instance, run_id)
        try:
            yield
        finally:
            with self._lock:
                self._under_way = None

    def _watch(self) -> None:
        # Unbuffered: a thread that holds the buffer's lock would break the interpreter's exit.
        while os.read(sys.stdin.fileno(), 1):
            pass
        with self._lock:
            self._announce()
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(PATIENCE_SECONDS)
        os.killpg(os.getpgid(0), signal.SIGKILL)

    def _announce(self) -> None:
        """Tell Dagster that someone wants the end: it takes an interrupt alone for an accident."""
        if self._under_way is None:
            return
        instance, run_id = self._under_way
        run = instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            instance.report_run_canceling(run)
