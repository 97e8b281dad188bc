"""End the process of a build when the worker that started it ends, for whatever reason."""

from __future__ import annotations

import ctypes
import signal
import sys

# prctl(2) of Linux.
_PR_SET_PDEATHSIG = 1


def end_with_parent(number: signal.Signals) -> None:
    """Have the kernel send this signal to this process when its parent dies, even by SIGKILL.

    For the process that an orchestrator's worker starts for one task: without its worker nothing
    receives its results, and another attempt may start beside it. Linux only; elsewhere this does
    nothing.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
