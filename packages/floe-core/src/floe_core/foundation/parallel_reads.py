"""Read several things at once, where each waits for an answer over the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

AT_ONCE = 16

_Thing = TypeVar("_Thing")
_Result = TypeVar("_Result")


def read_in_threads(read: Callable[[_Thing], _Result], things: Iterable[_Thing]) -> list[_Result]:
    """Return what `read` returns for each thing, in order; up to `AT_ONCE` are read at a time."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(AT_ONCE, "floe-read") as pool:
        return list(pool.map(read, things))
