"""Run a command while its parent lives: `python -I -S process_guard.py COMMAND...`.

The parent keeps our standard input open. When it closes, even because the parent was killed, the
command is interrupted, and then killed with all processes it started; on Linux these include
daemons. We exit as it exits.
This is a script run by its path: importing floe would cost more than starting it.
"""

from __future__ import annotations

import ctypes
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

PATIENCE_SECONDS = 10.0
# prctl(2) of Linux.
_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Run the command in this process's group."""
    # We must outlive these: the command gets the same signals, and its exit code is ours.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    # Ignored by a parent, it would keep us from waiting for the command.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _adopt_orphans()
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    is_alone = threading.Event()
    threading.Thread(target=_end_with_starter, args=(command.pid, is_alone), daemon=True).start()
    code = _reap_until_end_of(command.pid)
    if is_alone.is_set():
        _kill_children()
        os.killpg(0, signal.SIGKILL)
    if code < 0:
        if -code in (signal.SIGINT, signal.SIGTERM):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def _adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent ends. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_with_starter(command_id: int, is_alone: threading.Event) -> None:
    while os.read(0, 1):
        pass
    is_alone.set()
    os.killpg(0, signal.SIGINT)
    time.sleep(PATIENCE_SECONDS)
    os.kill(command_id, signal.SIGKILL)


def _reap_until_end_of(command_id: int) -> int:
    """Return the exit code of the command, negative if it was a signal; adopted ones come first."""
    while True:
        ended, status = os.wait()
        if ended == command_id:
            return os.waitstatus_to_exitcode(status)


def _kill_children() -> None:
    """Kill all descendants: the children of each that is killed become ours."""
    seen: set[int] = set()
    while children := set(_children()) - seen:
        for child in children:
            # A process that has become another user's can't be killed.
            with suppress(PermissionError):
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        seen |= children


def _children() -> Iterator[int]:
    """Yield the children of this process; none where there is no /proc."""
    for name in os.listdir("/proc") if sys.platform == "linux" else ():
        if name.isdigit() and _parent_of(name) == os.getpid():
            yield int(name)


def _parent_of(process_id: str) -> int:
    try:
        # Without pathlib, whose import takes longer than the rest of this script.
        with io.FileIO(f"/proc/{process_id}/stat") as file:
            # The name, in parentheses, may contain anything.
            return int(file.readall().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


if __name__ == "__main__":
    main()
