"""Versions of one text as numbered objects below an fsspec URL; the highest number is current.

A change is a new object under the next number, which must not exist yet (fsspec's
`pipe_file(mode="create")`). If the file system does this atomically, as S3 and Google Cloud Storage
do, one of two writers gets the number, and the other reads and tries again: nothing is lost. If it
checks first and then writes, two writers at the same instant can lose one change. An object store
never shows a partly written object.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

KEPT_VERSIONS = 5
KEPT_FOR = timedelta(hours=1)
ATTEMPTS = 20
_DIGITS = 12


class ObjectsError(Exception):
    """The objects could not be opened, read or written; `cause` is the file system's error."""

    def __init__(self, action: Literal["opened", "read", "written"], cause: Exception) -> None:
        super().__init__(f"{action}: {cause}")
        self.action = action
        self.cause = cause


class ObjectsBusyError(Exception):
    """Other writers changed the objects in each of `ATTEMPTS` attempts."""


class NumberedObjects:
    """The objects below one URL."""

    def __init__(self, url: str) -> None:
        self._url = url

    def read(self) -> bytes | None:
        """Return the content of the highest number, None if there is no object yet.

        Raises:
            ObjectsError: The objects cannot be read.
            ObjectsBusyError: Others keep changing the objects.
        """
        return self._latest(*self._open())[1]

    def change(self, changed: Callable[[bytes | None], bytes]) -> None:
        """Apply a function to the current content, and add the result as a new object.

        The function may be called more than once.

        Raises:
            ObjectsError: The objects cannot be read or written.
            ObjectsBusyError: Others keep changing the objects.
        """
        files, root = self._open()
        for _ in range(ATTEMPTS):
            number, content = self._latest(files, root)
            try:
                _create(files, _object(root, number + 1), changed(content))
            except FileExistsError:
                continue
            _forget_old(files, root, number + 1)
            return
        raise ObjectsBusyError

    def _open(self) -> tuple[Any, str]:
        try:
            from fsspec.core import url_to_fs  # type: ignore[import-untyped]

            files, root = url_to_fs(self._url)
        except (ImportError, ValueError, OSError) as error:
            raise ObjectsError("opened", error) from error
        return files, str(root)

    def _latest(self, files: Any, root: str) -> tuple[int, bytes | None]:
        for _ in range(ATTEMPTS):
            try:
                # A cached listing would show neither our own last write nor those of others.
                files.invalidate_cache(root)
                numbers = _numbers(files, root)
                if not numbers:
                    return 0, None
                return numbers[-1], files.cat_file(_object(root, numbers[-1]))
            except FileNotFoundError:
                # Others have changed the text many times since it was listed.
                continue
            except (OSError, ValueError) as error:
                raise ObjectsError("read", error) from error
        raise ObjectsBusyError


def _create(files: Any, name: str, content: bytes) -> None:
    with suppress(NotImplementedError):
        files.makedirs(name.rpartition("/")[0], exist_ok=True)
    try:
        files.pipe_file(name, content, mode="create")
    except FileExistsError:
        raise
    except (OSError, ValueError) as error:
        raise ObjectsError("written", error) from error


def _numbers(files: Any, root: str) -> list[int]:
    try:
        found = files.ls(root, detail=False)
    except FileNotFoundError:
        return []
    names = (str(path).rpartition("/")[2].removesuffix(".json") for path in found)
    return sorted(int(name) for name in names if name.isdecimal())


def _forget_old(files: Any, root: str, newest: int) -> None:
    """Remove the oldest versions, but none that a writer may just have read.

    The number of a removed version is free again: a writer that read the version before it, and was
    delayed since, would take that number and lose its change.
    """
    before = datetime.now(UTC) - KEPT_FOR
    for number in _numbers(files, root):
        if number > newest - KEPT_VERSIONS or not _is_older(files, _object(root, number), before):
            return
        with suppress(FileNotFoundError):
            files.rm_file(_object(root, number))


def _is_older(files: Any, name: str, before: datetime) -> bool:
    """Return whether an object was written before a moment; False if unknown."""
    try:
        written = files.modified(name)
    except FileNotFoundError:
        return True
    except (NotImplementedError, OSError, ValueError):
        return False
    aware = written if written.tzinfo else written.replace(tzinfo=UTC)
    return bool(aware < before)


def _object(root: str, number: int) -> str:
    return f"{root}/{number:0{_DIGITS}d}.json"
