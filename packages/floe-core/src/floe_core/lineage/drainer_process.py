"""The process that sends events while a run goes on: `python -m floe_core.lineage.drainer_process`.

A process of its own, because sending costs Python time that a thread would take from the run. Its
parent speaks to it through standard input: first the settings, then "finish", as lines. When the
parent is gone it hears out the event it is sending and ends; what waits stays on disk.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

from floe_core.lineage.draining import Drainer
from floe_core.lineage.spool import Spool
from floe_core.schemas.policies import LineageSettings
from floe_core.secrets.known_values import known_secrets
from floe_core.secrets.redactor import Redactor

_LOOK_EVERY_SECONDS = 0.1
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0


class _Orders:
    """What the parent wants: to go on, to finish what waits and end, or to stop."""

    def __init__(self) -> None:
        self.finish = threading.Event()
        self.stop = threading.Event()
        self._changed = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def pause(self, seconds: float) -> None:
        """Wait, or until the parent says something."""
        self._changed.wait(seconds)
        self._changed.clear()

    def _listen(self) -> None:
        for line in sys.stdin:
            if line.strip() == "finish":
                self.finish.set()
                self._changed.set()
        self.stop.set()
        self._changed.set()


def main() -> int:
    """Drain until told to end. Returns 0 if nothing waits."""
    start = json.loads(sys.stdin.readline())
    project_dir = Path(start["project_dir"])
    spool = Spool(project_dir)
    try:
        return _serve(project_dir, spool, LineageSettings.model_validate(start["settings"]))
    except Exception as error:
        # Nobody hears this process: what breaks it is found in the status.
        redactor = Redactor(known_secrets().values())
        spool.note_failure(redactor.text(f"sending broke off: {type(error).__name__}: {error}"))
        raise


def _serve(project_dir: Path, spool: Spool, settings: LineageSettings) -> int:
    drainer = Drainer(project_dir, spool, settings)
    orders = _Orders()
    pause = _FIRST_PAUSE_SECONDS
    try_at = 0.0
    while not orders.stop.is_set():
        was_told_to_finish = orders.finish.is_set()
        if was_told_to_finish or time.monotonic() >= try_at:
            drained = drainer.drain(orders.stop.is_set)
            if was_told_to_finish and not drained.is_others_work:
                return 1 if drained.reason else 0
            if drained.reason and not drained.is_others_work:
                try_at = time.monotonic() + pause
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                pause, try_at = _FIRST_PAUSE_SECONDS, 0.0
        orders.pause(_LOOK_EVERY_SECONDS)
    return 1 if spool.waiting() else 0


if __name__ == "__main__":
    sys.exit(main())
