"""Locks of files that show whether the process that holds them is alive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def hold_if_free(path: Path) -> Iterator[bool]:
    """Yield whether the lock of a file was free; if so, it is held during the block.

    Raises:
        OSError: The file cannot be opened.
    """
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
