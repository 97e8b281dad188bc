"""Objects below an fsspec URL, through the package that fsspec takes for that kind of URL.

These packages raise more than OSError: S3's "no credentials" is an exception of botocore, Azure's
refusal one of its SDK. Whatever they raise is an `ObjectsError` here.
"""

from __future__ import annotations

import errno
from datetime import UTC, datetime
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
