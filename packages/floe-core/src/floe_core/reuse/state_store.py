"""Stores for the state of reuse: a file beside the product's runs, a folder, a URL, PostgreSQL.

A state that cannot be read counts as empty: everything is built, and the next green build writes a
new one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.product_folder.state_folder import state_folder
from floe_core.reuse.state import State, from_text, to_text
from floe_core.storage.atomic_files import write_together
from floe_core.storage.shared_text import POSTGRES, ObjectsText, PostgresText, SharedText

STORE_VARIABLE = "FLOE_REUSE_STORE"
FILE = "reuse.json"
LOCK_SECONDS = 60.0
_WHAT = "the state of reuse"

Change = Callable[[State], State]


class StateStore(Protocol):
    """Keeps the state of one product. `problem` says why there is no state, "" if there may be."""

    problem: str

    def read(self) -> State:
        """Return the stored state; an empty one if there is none or it can't be read."""

    def change(self, changed: Change) -> State:
        """Replace the state with the function's result, and return that.

        Concurrent changes are not lost: the function may be called more than once.

        Raises:
            EnvironmentProblemError: The store cannot be written; its content stays as it was.
        """


def store_of(product: str, project_dir: Path) -> StateStore:
    """Return the store of a product.

    `$FLOE_REUSE_STORE` names a folder, an fsspec URL or a PostgreSQL database that products share;
    without it, the state is beside the product's runs.
    """
    place = os.environ.get(STORE_VARIABLE, "")
    if place.startswith(POSTGRES):
        return SharedStateStore(PostgresText(place, f"{product}.reuse"))
    if "://" in place and not place.startswith("file://"):
        return SharedStateStore(ObjectsText(f"{place.rstrip('/')}/{product}", _WHAT))
    folder = Path(place.removeprefix("file://")) if place else state_folder(project_dir)
    return FileStateStore(folder / (f"{product}.{FILE}" if place else FILE))


class FileStateStore:
    """A file that is replaced as a whole; writers wait for each other at a lock beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        self._texts = _Texts()

    def read(self) -> State:
        """See `StateStore.read`."""
        try:
            return self._texts.read(self, self.path.read_text("utf-8"), str(self.path))
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
                text = self._texts.write(new)
                write_together(self.path.parent, {self.path.name: text.encode()})
                return new
        except (OSError, Timeout) as error:
            raise EnvironmentProblemError(
                f"{self.path}: the state of reuse cannot be written ({error}); name a folder or "
                f"URL that can in {STORE_VARIABLE}"
            ) from error


class SharedStateStore:
    """A text below an fsspec URL or in PostgreSQL."""

    def __init__(self, text: SharedText) -> None:
        self.problem = ""
        self._text = text
        self._texts = _Texts()

    def read(self) -> State:
        """See `StateStore.read`."""
        return self._state(self._text.read())

    def change(self, changed: Change) -> State:
        """See `StateStore.change`."""
        new = State()

        def next_version(content: bytes | None) -> bytes:
            nonlocal new
            new = changed(self._state(content))
            return self._texts.write(new).encode()

        self._text.change(next_version)
        return new

    def _state(self, content: bytes | None) -> State:
        if content is None:
            return State()
        return self._texts.read(self, content.decode("utf-8", "replace"), self._text.place)


class _Texts:
    """Converts texts to states and back. A build reads mostly the same state several times."""

    def __init__(self) -> None:
        self._last = ("", State())

    def read(self, store: StateStore, text: str, place: str) -> State:
        """Return the state in a text; if unreadable, an empty one, and set the store's problem."""
        if text and text == self._last[0]:
            return self._last[1]
        try:
            self._last = (text, from_text(text))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            store.problem = f"{place}: {error}, so everything is built"
            return State()
        return self._last[1]

    def write(self, state: State) -> str:
        """Return a state as text."""
        text = to_text(state)
        self._last = (text, state)
        return text
