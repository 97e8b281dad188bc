"""Open files that floe keeps or reads: regular ones, in their own places.

A link, pipe or device in such a place is not followed: it may lead anywhere, and never end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path, PurePath
from typing import BinaryIO, Literal

from floe_core.foundation.errors import EnvironmentProblemError

_FLAGS = {
    "rb": os.O_RDONLY,
    "ab": os.O_WRONLY | os.O_APPEND | os.O_CREAT,
    "wb": os.O_WRONLY | os.O_TRUNC | os.O_CREAT,
}
# A link, a folder, and a pipe that nothing reads.
_NOT_REGULAR = (errno.ELOOP, errno.EMLINK, errno.EISDIR, errno.ENXIO)


def open_regular(path: Path, mode: Literal["rb", "ab", "wb"]) -> BinaryIO:
    """Open a regular file; to write, create it if it is missing.

    Raises:
        EnvironmentProblemError: Something else is in its place.
        OSError: It cannot be opened for another reason.
    """
    try:
        descriptor = os.open(path, _FLAGS[mode] | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    except OSError as error:
        if error.errno in _NOT_REGULAR:
            raise _not_regular(path) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_regular(path)
    return os.fdopen(descriptor, mode)


def read_regular(path: Path) -> str:
    """Return the text of a regular file. See `open_regular`."""
    with open_regular(path, "rb") as file:
        return file.read().decode(errors="replace")


def file_in(folder: Path, *names: str) -> Path | None:
    """Return a regular file by its relative name; None if there is none, or if it is elsewhere.

    A link to a regular file counts as that file, as it does for dbt, which loads it as a seed.
    """
    relative = Path(os.path.normpath(PurePath(*names)))
    if relative.is_absolute() or relative.parts[:1] == ("..",):
        return None
    path = folder / relative
    return path if path.is_file() else None


def _not_regular(path: Path) -> EnvironmentProblemError:
    return EnvironmentProblemError(f"{path}: is not a regular file; move it away")
