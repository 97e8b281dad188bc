"""Run a command while its parent lives: `python -I -S process_guard.py COMMAND...`.

The parent keeps our standard input open. When it closes, even because the parent was killed, the
command is interrupted, and then killed with all processes it started. We exit as it exits.
This is a script run by its path: importing floe would cost more than starting it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

PATIENCE_SECONDS = 10.0
# Prefix for a command that would otherwise go on without its parent, and hold the warehouse.
GUARD = (sys.executable, "-I", "-S", __file__)


def main() -> None:
    """Run the command in this process's group."""
    # We must outlive these: the command gets the same signals, and its exit code is ours.
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
