"""Write files atomically."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from floe_core.errors import EnvironmentProblemError


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write several files below a folder: all of them, or none, leaving the old ones in place.

    They are moved into place in the order given, so a file that vouches for the others goes last.

    Raises:
        EnvironmentProblemError: The folder cannot be written, or the disk is full.
    """
    prepared: list[tuple[Path, Path]] = []
    try:
        for name, content in files.items():
            prepared.append((_write_temporary(folder / name, content), folder / name))
        _take_places(prepared)
    except OSError as error:
        raise EnvironmentProblemError(
            f"{error.filename or folder}: cannot be written: {error.strerror}; nothing was changed"
        ) from error
    finally:
        for temporary, _ in prepared:
            temporary.unlink(missing_ok=True)


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
            old.append((target, target.read_bytes() if target.exists() else None))
            os.replace(temporary, target)
    except OSError:
        for target, content in old:
            if content is None:
                target.unlink(missing_ok=True)
            else:
                target.write_bytes(content)
        raise
