"""Where the state of reuse is kept: a file beside the product's runs, a folder, or a URL.

A state that cannot be read is no state: everything is built, and the next green build writes anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from floe_core.atomic_files import write_together
from floe_core.errors import EnvironmentProblemError
from floe_core.numbered_objects import NumberedObjects, ObjectsBusyError, ObjectsError
from floe_core.reuse.state import State, from_text, to_text
from floe_core.service_probe import without_secrets
from floe_core.state_folder import state_folder

STORE_VARIABLE = "FLOE_REUSE_STORE"
FILE = "reuse.json"
LOCK_SECONDS = 60.0

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
    """Numbered objects below an fsspec URL; see `NumberedObjects`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.problem = ""

    def read(self) -> State:
        """See `StateStore.read`."""
        with self._explained():
            return self._state(NumberedObjects(self.url).read())

    def change(self, changed: Change) -> State:
        """See `StateStore.change`."""
        new = State()

        def next_version(content: bytes | None) -> bytes:
            nonlocal new
            new = changed(self._state(content))
            return to_text(new).encode()

        with self._explained():
            NumberedObjects(self.url).change(next_version)
        return new

    def _state(self, content: bytes | None) -> State:
        if content is None:
            return State()
        return _read(self, content.decode("utf-8", "replace"), without_secrets(self.url))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise what goes wrong with the objects as a problem with the state."""
        try:
            yield
        except ObjectsBusyError:
            raise self._error("others changed it all the time") from None
        except ObjectsError as error:
            raise self._error(str(error.cause)) from error.cause

    def _error(self, why: str) -> EnvironmentProblemError:
        place = without_secrets(self.url)
        return EnvironmentProblemError(f"{place}: the state of reuse cannot be kept there: {why}")


def _read(store: StateStore, text: str, place: str) -> State:
    try:
        return from_text(text)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        store.problem = f"{place}: {error}, so everything is built"
        return State()
