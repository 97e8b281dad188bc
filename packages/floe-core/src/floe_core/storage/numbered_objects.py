"""Versions of one text as numbered objects below an fsspec URL; the highest number is current.

A change is a new object under the next number, which must not exist yet (fsspec's
`pipe_file(mode="create")`). If the file system does this atomically, as S3, Google Cloud Storage
and Azure's blobs do, one of two writers gets the number, and the other reads and tries again:
nothing is lost. If it checks first and then writes, two writers at the same instant can lose one
change. An object store never shows a partly written object.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from floe_core.storage.objects import Objects, ObjectsError

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
