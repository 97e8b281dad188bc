"""Warn once if an installed package lacks a private name that floe uses."""

from __future__ import annotations

import logging
from functools import cache
from importlib.metadata import version

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
