"""Where the state of reuse is kept: a file beside the product's runs, a folder, or a URL.

A state that cannot be read is no state: everything is built, and the next green build writes anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout

from floe_core.atomic_files import write_together
from floe_core.errors import EnvironmentProblemError
from floe_core.reuse.state import State, from_text, to_text
from floe_core.service_probe import without_secrets
from floe_core.state_folder import state_folder

STORE_VARIABLE = "FLOE_REUSE_STORE"
FILE = "reuse.json"
LOCK_SECONDS = 60.0
ATTEMPTS = 20
KEPT_VERSIONS = 5
_DIGITS = 12

Change = Callable[[State], State]


class StateStore(Protocol):
    """Keeps the state of one product. `problem` says why there is none, "" where there may be."""

    problem: str

    def read(self) -> State:
        """Return what is kept; an empty state where nothing is, or nothing that can be read."""

    def change(self, changed: Change) -> State:
        """Replace what is kept by what the function makes of it, and return that.

        Changes by others at the same time are not lost: the function may be called more than once.

        Raises:
            EnvironmentProblemError: It cannot be written; what was there stays.
        """


def store_of(product: str, project_dir: Path) -> StateStore:
    """Return the store of a product.

    `$FLOE_REUSE_STORE` names a folder or an fsspec URL that products share; without it, the state
    is beside the product's runs.
    """
    place = os.environ.get(STORE_VARIABLE, "")
    if "://" in place and not place.startswith("file://"):
        return ObjectStateStore(f"{place.rstrip('/')}/{product}")
    folder = Path(place.removeprefix("file://")) if place else state_folder(project_dir)
    return FileStateStore(folder / (f"{product}.{FILE}" if place else FILE))


class FileStateStore:
    """A file that is replaced as a whole; writers wait for each other at a lock beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""

    def read(self) -> State:
        """See `StateStore.read`."""
        try:
            return _read(self, self.path.read_text("utf-8"), str(self.path))
        except (FileNotFoundError, NotADirectoryError):
            return State()
        except (OSError, ValueError) as error:
            self.problem = f"{self.path}: cannot be read ({error}), so everything is built"
            return State()

    def change(self, changed: Change) -> State:
        """See `StateStore.change`."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS):
                new = changed(self.read())
                write_together(self.path.parent, {self.path.name: to_text(new).encode()})
                return new
        except (OSError, Timeout) as error:
            raise EnvironmentProblemError(
                f"{self.path}: the state of reuse cannot be written ({error}); name a folder or "
                f"URL that can in {STORE_VARIABLE}"
            ) from error


class ObjectStateStore:
    """Numbered objects below an fsspec URL; the highest number is what holds.

    A change is a new object under the next number that must not exist yet, as in the store of
    schedules: of two writers one gets the number, and the other reads and tries again.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.problem = ""

    def read(self) -> State:
        """See `StateStore.read`."""
        files, root = self._open()
        return self._latest(files, root)[1]

    def change(self, changed: Change) -> State:
        """See `StateStore.change`."""
        files, root = self._open()
        for _ in range(ATTEMPTS):
            number, state = self._latest(files, root)
            new = changed(state)
            if self._create(files, _object(root, number + 1), to_text(new).encode()):
                self._forget_old(files, root, number + 1)
                return new
        raise self._error("others changed it all the time")

    def _create(self, files: Any, name: str, content: bytes) -> bool:
        """Write an object that must not exist yet; return whether it did not."""
        with suppress(NotImplementedError):
            files.makedirs(name.rpartition("/")[0], exist_ok=True)
        try:
            files.pipe_file(name, content, mode="create")
        except FileExistsError:
            return False
        except (OSError, ValueError) as error:
            raise self._error(str(error)) from error
        return True

    def _latest(self, files: Any, root: str) -> tuple[int, State]:
        for _ in range(ATTEMPTS):
            try:
                files.invalidate_cache(root)
                numbers = self._numbers(files, root)
                if not numbers:
                    return 0, State()
                text = files.cat_file(_object(root, numbers[-1])).decode("utf-8", "replace")
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                raise self._error(str(error)) from error
            return numbers[-1], _read(self, text, without_secrets(self.url))
        raise self._error("others changed it all the time")

    def _numbers(self, files: Any, root: str) -> list[int]:
        try:
            found = files.ls(root, detail=False)
        except FileNotFoundError:
            return []
        names = (str(path).rpartition("/")[2].removesuffix(".json") for path in found)
        return sorted(int(name) for name in names if name.isdecimal())

    def _forget_old(self, files: Any, root: str, newest: int) -> None:
        for number in self._numbers(files, root):
            if number <= newest - KEPT_VERSIONS:
                with suppress(FileNotFoundError):
                    files.rm_file(_object(root, number))

    def _open(self) -> tuple[Any, str]:
        try:
            from fsspec.core import url_to_fs  # type: ignore[import-untyped]

            files, root = url_to_fs(self.url)
        except (ImportError, ValueError, OSError) as error:
            raise self._error(str(error)) from error
        return files, str(root)

    def _error(self, why: str) -> EnvironmentProblemError:
        place = without_secrets(self.url)
        return EnvironmentProblemError(f"{place}: the state of reuse cannot be kept there: {why}")


def _object(root: str, number: int) -> str:
    return f"{root}/{number:0{_DIGITS}d}.json"


def _read(store: StateStore, text: str, place: str) -> State:
    try:
        return from_text(text)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        store.problem = f"{place}: {error}, so everything is built"
        return State()
