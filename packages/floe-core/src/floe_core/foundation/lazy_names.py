"""Import the names of a package lazily, and warn once if an installed one lacks a private name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import version
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


_log = logging.getLogger("floe")


@cache
def warn_of_missing_name(distribution: str, consequence: str) -> None:
    """Warn, once per process, of what does not work with the installed version of a package."""
    _log.warning(
        "%s %s lacks a private name that floe uses: %s",
        distribution,
        version(distribution),
        consequence,
    )
