"""Objects below an fsspec URL, and the versions of one text as numbered objects.

These packages raise more than OSError: S3's "no credentials" is an exception of botocore, Azure's
refusal one of its SDK. Whatever they raise is an `ObjectsError` here.

A change is a new object under the next number, which must not exist yet (fsspec's
`pipe_file(mode="create")`). If the file system does this atomically, as S3, Google Cloud Storage
and Azure's blobs do, one of two writers gets the number, and the other reads and tries again:
nothing is lost. If it checks first and then writes, two writers at the same instant can lose one
change. An object store never shows a partly written object.
"""

from __future__ import annotations

import errno
import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

Action = Literal["opened", "read", "written"]

# S3 answers so if another request for the object is under way; the request is to be sent again.
_TRY_AGAIN = "ConditionalRequestConflict"


class ObjectsError(Exception):
    """The objects could not be opened, read or written; `cause` is the package's error."""

    def __init__(self, action: Action, cause: Exception) -> None:
        super().__init__(f"{action}: {cause}")
        self.action = action
        self.cause = cause

    def explain(self, what: str) -> str:
        """Return in one line what happened to `what`, or which package to install."""
        if isinstance(self.cause, ImportError):
            why = _first_line(self.cause)
            return f"this kind of URL needs a package that is not installed ({why})"
        kind = type(self.cause).__name__
        return f"{what} cannot be {self.action} ({kind}: {_first_line(self.cause)})"


class Objects:
    """The objects below one URL, by names relative to it. Every method raises `ObjectsError`."""

    def __init__(self, url: str) -> None:
        try:
            from fsspec.core import url_to_fs  # type: ignore[import-untyped]

            files, root = url_to_fs(url)
        except Exception as error:
            raise ObjectsError("opened", error) from error
        self._files: Any = files
        self._root = str(root)

    def list_names(self) -> list[str]:
        """Return the names of what is directly below the URL; none if nothing is there."""
        try:
            # A cached listing would show neither our own last write nor those of others.
            self._files.invalidate_cache(self._root)
            found = self._files.ls(self._root, detail=False)
        except FileNotFoundError:
            return []
        except Exception as error:
            raise ObjectsError("read", error) from error
        return [str(path).rstrip("/").rpartition("/")[2] for path in found]

    def read(self, name: str) -> bytes | None:
        """Return the content of an object, None if there is none of this name."""
        try:
            return bytes(self._files.cat_file(self._path(name)))
        except FileNotFoundError:
            return None
        except Exception as error:
            raise ObjectsError("read", error) from error

    def write(self, name: str, content: bytes) -> None:
        """Write an object, or replace it as a whole."""
        try:
            self._pipe(name, content, mode="overwrite")
        except Exception as error:
            raise ObjectsError("written", error) from error

    def create(self, name: str, content: bytes) -> bool:
        """Write an object unless there is one of this name; return False if it was not written.

        It may have been written all the same: a package that gets no answer sends its request
        again, and is then told that the object exists.
        """
        try:
            self._pipe(name, content, mode="create")
        except FileExistsError:
            return False
        except Exception as error:
            # s3fs knows only the answer of Amazon's own S3; other servers word it differently.
            if _TRY_AGAIN in str(error) or self._is_there(name):
                return False
            raise ObjectsError("written", error) from error
        return True

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""
        try:
            self._files.rm_file(self._path(name))
        except FileNotFoundError:
            pass
        except Exception as error:
            raise ObjectsError("written", error) from error

    def read_time(self, name: str) -> datetime | None:
        """Return when an object was written, aware; None if it is not known."""
        try:
            written: datetime = self._files.modified(self._path(name))
        except NotImplementedError:
            return None
        except Exception as error:
            raise ObjectsError("read", error) from error
        return written if written.tzinfo else written.replace(tzinfo=UTC)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _pipe(self, name: str, content: bytes, *, mode: Literal["create", "overwrite"]) -> None:
        path = self._path(name)
        try:
            self._files.pipe_file(path, content, mode=mode)
        except OSError as error:
            # Object stores have no folders, and would create the bucket of a mistyped URL.
            if error.errno != errno.ENOENT and not isinstance(error, FileNotFoundError):
                raise
            if getattr(self._files, "async_impl", False):
                raise
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(path, content, mode=mode)

    def _is_there(self, name: str) -> bool:
        try:
            return self.read(name) is not None
        except ObjectsError:
            return False


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


KEPT_VERSIONS = 5
KEPT_FOR = timedelta(hours=1)
ATTEMPTS = 20
_LONGEST_PAUSE_SECONDS = 0.2
_DIGITS = 12


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
        return _latest(Objects(self._url))[1]

    def change(self, changed: Callable[[bytes | None], bytes]) -> None:
        """Apply a function to the current content, and add the result as a new object.

        The function may be called more than once, also with what an earlier call returned.

        Raises:
            ObjectsError: The objects cannot be read or written.
            ObjectsBusyError: Others keep changing the objects.
        """
        objects = Objects(self._url)
        for _ in range(ATTEMPTS):
            number, content = _latest(objects)
            if objects.create(_name(number + 1), changed(content)):
                # The change is made, whatever becomes of the old ones.
                with suppress(ObjectsError):
                    _forget_old(objects, number + 1)
                return
            time.sleep(random.uniform(0, _LONGEST_PAUSE_SECONDS))
        raise ObjectsBusyError


def _latest(objects: Objects) -> tuple[int, bytes | None]:
    for _ in range(ATTEMPTS):
        numbers = _numbers(objects)
        if not numbers:
            return 0, None
        content = objects.read(_name(numbers[-1]))
        if content is not None:
            return numbers[-1], content
        # Others have changed the text many times since it was listed.
    raise ObjectsBusyError


def _numbers(objects: Objects) -> list[int]:
    names = (name.removesuffix(".json") for name in objects.list_names())
    return sorted(int(name) for name in names if name.isdecimal())


def _forget_old(objects: Objects, newest: int) -> None:
    """Remove the oldest versions, but none that a writer may just have read.

    The number of a removed version is free again: a writer that read the version before it, and was
    delayed since, would take that number and lose its change.
    """
    before = datetime.now(UTC) - KEPT_FOR
    for number in _numbers(objects):
        if number > newest - KEPT_VERSIONS:
            return
        written = objects.read_time(_name(number))
        if written is None or written >= before:
            return
        objects.remove(_name(number))


def _name(number: int) -> str:
    return f"{number:0{_DIGITS}d}.json"
