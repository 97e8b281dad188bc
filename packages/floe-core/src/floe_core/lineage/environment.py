"""Values that a compiled product takes from the environment of the run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

_REFERENCE = re.compile(
    r"""\{\{\s*env_var\(\s*['"](\w+)['"]\s*(?:,\s*['"]([^'"]*)['"]\s*)?\)[^}]*\}\}"""
    r"""|\$\{(\w+)\}|^env:(\w+)$"""
)


class UnsetVariableError(LookupError):
    """A setting refers to an environment variable that is not set."""


def resolved(value: Any) -> Any:
    """Return a setting with each reference to the environment replaced, at any depth.

    Raises:
        UnsetVariableError: A variable without default is not set.
    """
    if isinstance(value, dict):
        return {key: resolved(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [resolved(each) for each in value]
    return _REFERENCE.sub(_value, value) if isinstance(value, str) else value


def referenced_names(value: Any) -> Iterator[str]:
    """Yield the names of the environment variables that a setting refers to, at any depth."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from referenced_names(each)
    elif isinstance(value, str):
        for match in _REFERENCE.finditer(value):
            yield _name(match)


def _name(match: re.Match[str]) -> str:
    return match[1] or match[3] or match[4]


def _value(match: re.Match[str]) -> str:
    found = os.environ.get(_name(match), match[2])
    if found is None:
        raise UnsetVariableError(f"environment variable {_name(match)} is not set")
    return found
