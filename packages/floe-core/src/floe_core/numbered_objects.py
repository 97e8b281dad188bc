"""Versions of one text as numbered objects below an fsspec URL; the highest number is what holds.

A change is a new object under the next number that must not exist yet (fsspec's
`pipe_file(mode="create")`). Where the file system makes that one step, as S3 and Google Cloud
Storage do, of two writers one gets the number and the other reads and tries again: nothing is lost.
Where it looks first and then writes, two writers in the same instant can lose one change. An object
store shows an object whole or not at all.
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
    """They could not be opened, read or written; `cause` is what the file system said."""

    def __init__(self, action: Literal["opened", "read", "written"], cause: Exception) -> None:
        super().__init__(f"{action}: {cause}")
        self.action = action
        self.cause = cause


class ObjectsBusyError(Exception):
    """Others changed them each of `ATTEMPTS` times."""


class NumberedObjects:
    """The objects below one URL."""

    def __init__(self, url: str) -> None:
        self._url = url

    def read(self) -> bytes | None:
        """Return what the highest number holds, None at the beginning.

        Raises:
            ObjectsError: They cannot be read.
            ObjectsBusyError: Others change them all the time.
        """
        return self._latest(*self._open())[1]

    def change(self, changed: Callable[[bytes | None], bytes]) -> None:
        """Add what the function makes of what holds; it may be called more than once.

        Raises:
            ObjectsError: They cannot be read or written.
            ObjectsBusyError: Others change them all the time.
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
                # A listing that was kept from before shows neither our own last write nor others'.
                files.invalidate_cache(root)
                numbers = _numbers(files, root)
                if not numbers:
                    return 0, None
                return numbers[-1], files.cat_file(_object(root, numbers[-1]))
            except FileNotFoundError:
                # Others have changed it many times since it was listed.
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
    """Remove versions from the oldest on, up to one that a writer may just have read.

    The number of a version that is gone is free again: a writer that read the one before it, and
    was held up since, would take it and lose its change.
    """
    before = datetime.now(UTC) - KEPT_FOR
    for number in _numbers(files, root):
        if number > newest - KEPT_VERSIONS or not _is_older(files, _object(root, number), before):
            return
        with suppress(FileNotFoundError):
            files.rm_file(_object(root, number))


def _is_older(files: Any, name: str, before: datetime) -> bool:
    """Return whether an object was written before a moment; False where nobody knows."""
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
