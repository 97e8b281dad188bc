"""Runs a command while whoever started it is there: `python -I -S process_guard.py COMMAND...`.

The starter holds our standard input open. When that breaks off, even because the starter was
killed, the command is interrupted, and then killed with all that it started. We end as it ends.
A script of its own, by its path: importing floe would cost more than starting it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

PATIENCE_SECONDS = 10.0
# What goes before a command that would otherwise work on, and hold the warehouse.
GUARD = (sys.executable, "-I", "-S", __file__)


def main() -> None:
    """Run the command in this process's own group."""
    # Ours to outlive: the command gets the same signals, and says how it ended.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_starter, daemon=True).start()
    code = command.wait()
    if code < 0:
        if -code in (signal.SIGINT, signal.SIGTERM):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def _end_with_starter() -> None:
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGINT)
    time.sleep(PATIENCE_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
