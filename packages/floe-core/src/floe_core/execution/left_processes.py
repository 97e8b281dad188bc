"""Kill what a process has left behind in sessions of its own, where its group does not reach."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

# A process can start another one while we look; nothing outruns as many looks as this.
MAX_LOOKS = 20


def kill_left_processes(variable: str, value: str) -> None:
    """Kill every process with this variable in the environment that it was started with.

    What daemonizes leaves its group, its session and its parent, but inherits the environment.
    Linux alone, as elsewhere there is no /proc.
    """
    mark = f"{variable}={value}".encode()
    for _ in range(MAX_LOOKS):
        killed = [pid for pid in _processes() if _kill_if_marked(pid, mark)]
        if not killed:
            return


def _processes() -> Iterator[int]:
    for place in Path("/proc").glob("[0-9]*"):
        if int(place.name) != os.getpid():
            yield int(place.name)


def _kill_if_marked(pid: int, mark: bytes) -> bool:
    """Kill a process; return whether it was marked. The handle keeps another one's id out."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        is_marked = mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        if is_marked:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return False
    finally:
        os.close(handle)
    return is_marked
