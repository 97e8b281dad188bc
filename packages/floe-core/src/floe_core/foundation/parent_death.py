"""End a process when the one that started it ends, for whatever reason."""

from __future__ import annotations

import ctypes
import signal
import sys

# prctl(2) of Linux.
_PR_SET_PDEATHSIG = 1


def end_with_parent(number: signal.Signals) -> None:
    """Have the kernel send this signal to this process when its parent dies, even by SIGKILL.

    For a process whose results only its parent receives, such as that of one task: without the
    parent, another attempt may start beside it. Linux only; elsewhere this does nothing.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
