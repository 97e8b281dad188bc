"""Read environment variables of this process, and change them temporarily."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


def is_true(name: str) -> bool:
    """Return whether a variable is `true`, in upper or lower case."""
    return os.environ.get(name, "").strip().lower() == "true"


@contextmanager
def environment_with(values: Mapping[str, str | None]) -> Iterator[None]:
    """Set the variables, unset those that are None, and restore them after the block.

    The environment belongs to the whole process: other threads see the change too.
    """
    before = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set(before)


@contextmanager
def unchanged_environment() -> Iterator[None]:
    """Undo the block's changes to this process's environment variables."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
