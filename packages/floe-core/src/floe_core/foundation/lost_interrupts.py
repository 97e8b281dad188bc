"""Interrupts that Python ignores where it can't raise them, such as within an import."""

from __future__ import annotations

import os
import signal
import sys
import threading

# Time for the interpreter to leave what ignored the interrupt.
WAIT_SECONDS = 0.05


def interrupt_again() -> None:
    """From now on, interrupt this process once more when Python ignored a `KeyboardInterrupt`.

    It does in finalizers and in callbacks of weak references, and each import of a module ends
    with one: see `sys.unraisablehook`.
    """
    sys.unraisablehook = _interrupt_or_write


def _interrupt_or_write(ignored: sys.UnraisableHookArgs) -> None:
    if not issubclass(ignored.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(ignored)
        return
    again = threading.Timer(WAIT_SECONDS, os.kill, (os.getpid(), signal.SIGINT))
    again.daemon = True
    again.start()
