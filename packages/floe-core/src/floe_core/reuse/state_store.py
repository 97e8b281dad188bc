"""The store of the state of reuse: a file beside the product's runs, a folder, a URL, PostgreSQL.

A state that cannot be understood counts as empty: everything is built, and the next green build
writes a new one.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from floe_core.reuse.state import State, from_text, to_text
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.environment_choice import name_in_environment
from floe_core.storage.shared_text import FileText, SharedText, shared_text
from floe_core.storage.state_folder import state_folder

STORE_VARIABLE = "FLOE_REUSE_STORE"
NAME = "reuse"

Change = Callable[[State], State]


class StateStore:
    """Keeps the state of one product. `problem` says why there is no state, "" if there may be."""

    def __init__(self, text: SharedText) -> None:
        self.problem = ""
        self._text = text
        # A build reads mostly the same state several times.
        self._last = (b"", State())

    def read(self) -> State:
        """Return the stored state; an empty one if there is none or it is damaged.

        Raises:
            EnvironmentProblemError: The store cannot be read.
        """
        return self._state(self._text.read())

    def change(self, changed: Change) -> State:
        """Replace the state with the function's result, and return that.

        Concurrent changes are not lost: the function may be called more than once.

        Raises:
            EnvironmentProblemError: The store cannot be written; its content stays as it was.
        """
        new = State()

        def next_version(content: bytes | None) -> bytes:
            nonlocal new
            new = changed(self._state(content))
            text = to_text(new).encode()
            self._last = (text, new)
            return text

        self._text.change(next_version)
        return new

    def _state(self, content: bytes | None) -> State:
        if content is None:
            return State()
        if content and content == self._last[0]:
            return self._last[1]
        try:
            self._last = (content, from_text(content.decode()))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            self.problem = f"{self._text.place}: {error}, so everything is built"
            return State()
        return self._last[1]


def store_of(artifacts: CompiledArtifacts) -> StateStore:
    """Return the store of a product in its environment.

    `$FLOE_REUSE_STORE` names a folder, an fsspec URL or a PostgreSQL database that products share;
    without it, the state is beside the product's runs.
    """
    place = os.environ.get(STORE_VARIABLE, "")
    if not place:
        advice = f"; name a folder or URL that can in {STORE_VARIABLE}"
        file = (
            state_folder(artifacts.folder)
            / f"{name_in_environment(NAME, artifacts.environment)}.json"
        )
        return StateStore(FileText(file, advice=advice))
    product = name_in_environment(artifacts.product.name, artifacts.environment)
    return StateStore(shared_text(place, f"{product}.{NAME}"))
