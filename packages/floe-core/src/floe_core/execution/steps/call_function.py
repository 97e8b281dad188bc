"""Call the function of a step, given as `module:function`, in a process of its own.

The function gets no arguments: its input is in the environment.
"""

from __future__ import annotations

import sys
from importlib import import_module

# Calling a function of these runs nothing of it.
_NOT_RUN = ("coroutine", "generator", "async_generator")


def main() -> None:
    """Call the function that the command line names.

    Raises:
        TypeError: It is asynchronous or a generator, so that nothing of it has run.
    """
    name = sys.argv.pop(1)
    module, _, function = name.partition(":")
    returned = type(getattr(import_module(module), function)()).__name__
    if returned in _NOT_RUN:
        raise TypeError(
            f"{name} returned a {returned}, which nothing runs; name a function that runs it"
        )


if __name__ == "__main__":
    main()
