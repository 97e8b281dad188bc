"""Write files atomically."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from floe_core.foundation.errors import EnvironmentProblemError


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
