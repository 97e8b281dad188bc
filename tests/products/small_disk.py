"""A disk of a few megabytes, which a test fills."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, megabytes: int = 24) -> Iterator[Path]:
    """Mount a small disk on a new folder, which only root can."""
    folder.mkdir()
    size = f"size={megabytes}m"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder]).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path, left: int = 0) -> Path:
    """Fill a disk up to some bytes; return the file that takes the room."""
    ballast = disk / "ballast"
    # Others may write meanwhile.
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while (free := shutil.disk_usage(disk).free) > left:
            file.write(b"x" * (free - left))
    return ballast
