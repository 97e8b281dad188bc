"""Import the names of a package lazily."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from floe_core.foundation.garbage_collection import collector_at_rest


def importer(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a `__getattr__` for a package; `homes` is name -> module that defines it.

    A module's name is absolute, or relative to the package, such as `.plugin`.
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        with collector_at_rest():
            return getattr(import_module(homes[name], package), name)

    return get
