"""Files that floe keeps: regular ones, written atomically, and locks of their writers.

A link, pipe or device in such a place is not followed: it may lead anywhere, and never end.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import Any, BinaryIO, Literal

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


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write several files below a folder: all of them, or none, leaving the old ones in place.

    They are moved into place in the order given, so a file that vouches for the others goes last.
    Missing folders are created, and removed again if nothing is written.

    Raises:
        EnvironmentProblemError: The folder cannot be written, or the disk is full.
    """
    prepared: list[tuple[Path, Path]] = []
    made: list[Path] = []
    try:
        for name, content in files.items():
            made += missing_folders((folder / name).parent)
            prepared.append((_write_temporary(folder / name, content), folder / name))
        _take_places(prepared)
    except OSError as error:
        raise EnvironmentProblemError(
            f"{error.filename or folder}: cannot be written: {error.strerror}; nothing was changed"
        ) from error
    finally:
        for temporary, _ in prepared:
            temporary.unlink(missing_ok=True)
        remove_empty(made)


def write_whole(path: Path, content: bytes) -> None:
    """Write one file, completely or not at all; a link in its place is replaced, not followed.

    Raises:
        OSError: It cannot be written.
    """
    temporary = _temporary(path, content)
    try:
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def missing_folders(folder: Path) -> list[Path]:
    """Return a folder and those above it, as far as they do not exist, outermost first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    return missing[::-1]


def remove_empty(folders: Sequence[Path]) -> None:
    """Remove those folders that are empty, given outermost first."""
    for folder in reversed(folders):
        with suppress(OSError):
            folder.rmdir()


def _write_temporary(target: Path, content: bytes) -> Path:
    """Return a temporary file with the content, beside the target.

    Errors name the target, or the folder that cannot be created.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _temporary(target, content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from error


def _temporary(target: Path, content: bytes) -> Path:
    if target.is_dir():
        raise IsADirectoryError(21, "is a folder", str(target))
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _take_places(prepared: list[tuple[Path, Path]]) -> None:
    """Move the files into place; if one cannot be moved, restore the old ones."""
    old: list[tuple[Path, bytes | None]] = []
    try:
        for temporary, target in prepared:
            old.append((target, target.read_bytes() if target.is_file() else None))
            os.replace(temporary, target)
    except OSError:
        for target, content in old:
            if content is None:
                target.unlink(missing_ok=True)
            else:
                target.write_bytes(content)
        raise


@contextmanager
def hold_if_free(path: Path) -> Iterator[bool]:
    """Yield whether the lock of a file was free; if so, it is held during the block.

    Raises:
        OSError: The file cannot be opened.
    """
    from filelock import FileLock, Timeout

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


def to_hashed_text(edition: Any, content: Any) -> str:
    """Return JSON-like content as text; `edition` identifies the format."""
    body = json.dumps(content, separators=(",", ":"))
    return f"{json.dumps({'format': edition, 'hash': _hash(body)})}\n{body}"


def from_hashed_text(edition: Any, text: str) -> Any:
    """Return the content of a text.

    Raises:
        ValueError: The text is damaged, or of another edition.
    """
    head, _, body = text.partition("\n")
    header = json.loads(head)
    if not isinstance(header, dict) or header.get("format") != edition:
        found = header.get("format") if isinstance(header, dict) else None
        raise ValueError(f"its format is {found}, and this floe knows {edition}")
    if header.get("hash") != _hash(body):
        raise ValueError("it is damaged")
    return json.loads(body)


def _hash(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
