"""How much disk the events of a product may take, and how much they do."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

LIMIT_VARIABLE = "FLOE_LINEAGE_SPOOL_MB"
_DEFAULT_MEGABYTES = 1024
_MEGABYTE = 1024 * 1024
# What a small file takes on most disks.
_BLOCK = 4096
_LOOK_AGAIN_SECONDS = 1.0


class SpoolFullError(OSError):
    """The events that wait take all the disk they may: this one is not kept."""


def limit_in_bytes() -> int:
    """Return what `FLOE_LINEAGE_SPOOL_MB` allows, 1 GiB where it says nothing readable."""
    text = os.environ.get(LIMIT_VARIABLE, "")
    megabytes = int(text) if text.isdecimal() else _DEFAULT_MEGABYTES
    return megabytes * _MEGABYTE


def bytes_in(folders: Sequence[Path]) -> int:
    """Return the disk that the files of folders take."""
    return sum(on_disk(size) for folder in folders for size in _sizes(folder))


def on_disk(size: int) -> int:
    """Return the disk that a file of some bytes takes."""
    return -(-size // _BLOCK) * _BLOCK


class SpoolRoom:
    """Counts what one writer adds, and looks at the disk only at first and near the limit.

    Others write and send meanwhile, so the limit may be passed by what they write in a second.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._limit = limit_in_bytes()
        self._taken: int | None = None
        self._looked_at = 0.0

    def take(self, size: int) -> None:
        """Count a file of some bytes.

        Raises:
            SpoolFullError: There is no room for it.
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
        """Ask the disk, once a second at most."""
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
