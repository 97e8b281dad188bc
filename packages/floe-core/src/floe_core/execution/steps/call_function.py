"""Call the function of a step, given as `module:function`, in a process of its own.

The function gets no arguments: everything that a step may know is in its environment.
"""

from __future__ import annotations

import sys
from importlib import import_module


def main() -> None:
    """Call the function that the command line names."""
    module, _, function = sys.argv.pop(1).partition(":")
    getattr(import_module(module), function)()


if __name__ == "__main__":
    main()
