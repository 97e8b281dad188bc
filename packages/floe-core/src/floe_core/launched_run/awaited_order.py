"""How the process of a launched run comes to its order."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module

from floe_core.launched_run.run_order import RunOrder


def import_needed() -> None:
    """Import what the command line names after the file descriptor, where it is there."""
    for name in sys.argv[2:]:
        # Whoever needs it imports it again, and reports why that fails.
        with suppress(ImportError):
            import_module(name)


def await_order() -> RunOrder:
    """Return the order that comes on standard input.

    Exits where that ends without one: whoever started this has no use for it any more.
    """
    line = sys.stdin.readline()
    if not line:
        raise SystemExit(0)
    return RunOrder.from_line(line)
