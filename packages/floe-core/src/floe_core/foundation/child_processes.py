"""Processes that end with the one that started them, and whether one of this machine runs."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from floe_core.foundation import process_guard

_GUARD = (sys.executable, "-I", "-S", process_guard.__file__)


def start_guarded(
    words: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    output: int | IO[bytes] = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Start a program in a session and process group of its own, with one stream of output.

    Keep `stdin` open: the program is ended once it closes.

    Raises:
        OSError: The folder does not exist, or no process can be started.
    """
    return subprocess.Popen(
        [*_GUARD, *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )


# prctl(2) of Linux.
_PR_SET_PDEATHSIG = 1


def end_with_parent(number: signal.Signals) -> None:
    """Have the kernel send this signal to this process when its parent dies, even by SIGKILL.

    For a process whose results only its parent receives, such as that of one task: without the
    parent, another attempt may start beside it. Linux only; elsewhere this does nothing.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def is_running(process_id: int) -> bool:
    """Return whether there is a process with this id, whoever's it is."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
