"""Have the process of a build end with the worker that started it, however that ended."""

from __future__ import annotations

import ctypes
import signal
import sys

# prctl(2) of Linux.
_PR_SET_PDEATHSIG = 1


def end_with_parent(number: signal.Signals) -> None:
    """Get this signal when the parent dies, even by SIGKILL.

    For the process that an orchestrator's worker starts for one task: without its worker nobody
    hears it, and another attempt may begin beside it. Linux alone has the means; elsewhere nothing
    changes.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
