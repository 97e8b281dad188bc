"""Limit the disk space of a product's events, and measure it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

LIMIT_VARIABLE = "FLOE_LINEAGE_SPOOL_MB"
_DEFAULT_MEGABYTES = 1024
_MEGABYTE = 1024 * 1024
# The disk space of a small file on most disks.
_BLOCK = 4096
_LOOK_AGAIN_SECONDS = 1.0


class SpoolFullError(OSError):
    """The waiting events use all of the allowed disk space: this one is dropped."""


def limit_in_bytes() -> int:
    """Return the limit from `FLOE_LINEAGE_SPOOL_MB`, 1 GiB if it is not set or not valid."""
    text = os.environ.get(LIMIT_VARIABLE, "")
    megabytes = int(text) if text.isdecimal() else _DEFAULT_MEGABYTES
    return megabytes * _MEGABYTE


def bytes_in(folders: Sequence[Path]) -> int:
    """Return the disk space of the files in these folders."""
    return sum(on_disk(size) for folder in folders for size in _sizes(folder))


def on_disk(size: int) -> int:
    """Return the disk space of a file of this size in bytes."""
    return -(-size // _BLOCK) * _BLOCK


class SpoolRoom:
    """Counts what one writer adds, and checks the disk only at first and near the limit.

    Others write and send meanwhile, so the limit may be exceeded by what they write in a second.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._limit = limit_in_bytes()
        self._taken: int | None = None
        self._looked_at = 0.0

    def take(self, size: int) -> None:
        """Count a file of this size in bytes.

        Raises:
            SpoolFullError: There is no space for it.
        """
        if self._taken is None or self._is_too_much(size):
            self._look()
        if self._is_too_much(size):
            megabytes = self._limit // _MEGABYTE
            raise SpoolFullError(
                f"the events that wait take the {megabytes} MB that {LIMIT_VARIABLE} allows"
            )
        self._taken = (self._taken or 0) + on_disk(size)

    def _is_too_much(self, size: int) -> bool:
        return (self._taken or 0) + on_disk(size) > self._limit

    def _look(self) -> None:
        """Check the disk, at most once a second."""
        if self._taken is None or time.monotonic() - self._looked_at > _LOOK_AGAIN_SECONDS:
            self._taken = bytes_in(self._folders)
            self._looked_at = time.monotonic()


def _sizes(folder: Path) -> list[int]:
    sizes = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                sizes.append(entry.stat().st_size)
    return sizes
