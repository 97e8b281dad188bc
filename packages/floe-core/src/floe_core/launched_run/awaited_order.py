"""Wait for the order in the process of a launched run."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module

from floe_core.launched_run.run_order import RunOrder


def import_needed() -> None:
    """Import the modules that the command line names after the file descriptor, if installed."""
    for name in sys.argv[2:]:
        # The code that needs the module imports it again and reports the failure.
        with suppress(ImportError):
            import_module(name)


def await_order() -> RunOrder:
    """Return the order read from standard input.

    Exits if standard input ends without one: the parent no longer needs this process.
    """
    line = sys.stdin.readline()
    if not line:
        raise SystemExit(0)
    return RunOrder.from_line(line)
