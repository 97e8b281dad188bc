"""What an expression is worth, as far as its source tells.

Plain values stand for themselves: str, int, float, bool, None, timedelta, list, tuple, dict. A path
is a str. The classes of this module and of `objects` are the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from floe_import.report import Place

Value = Any
# A variable in an `EnvText`: its name and its default, None for none.
REFERENCE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


@dataclass(frozen=True)
class Unknown:
    """A value that the source does not tell; `why` and `place` say what prevents it."""

    why: str
    place: Place


@dataclass(frozen=True)
class Instance(Unknown):
    """An object of a dataclass of the user's own: unknown as a value, with known attributes."""

    values: Mapping[str, Value] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Symbol:
    """A name of another library, such as `cosmos.ExecutionMode.LOCAL`."""

    name: str

    @property
    def last(self) -> str:
        """The part after the last dot."""
        return self.name.rpartition(".")[2]


class EnvText(str):
    """A text in which `${NAME}` stands for an environment variable of the running process."""

    __slots__ = ()


class EnvNumber(EnvText):
    """The whole number that such a text is."""

    __slots__ = ()


class LocalPath(str):
    """A path that begins at a file of this machine: another one where the file is deployed.

    Or a text with such paths in it, which `local` are.
    """

    local: tuple[str, ...]

    def __new__(cls, text: str, local: Sequence[str] = ()) -> Self:
        """Return the text; without `local`, all of it is the path."""
        made = super().__new__(cls, text)
        made.local = tuple(local) or (str(text),)
        return made


def same_kind(text: str, *parts: Value) -> str:
    """Return a text as what it is made of: one that depends on the environment, or the machine."""
    if any(isinstance(each, EnvText) for each in parts):
        return EnvText(text)
    local = [path for each in parts if isinstance(each, LocalPath) for path in each.local]
    return LocalPath(text, [path for path in local if path in text]) if local else text


def first_unknown(value: Value) -> Unknown | None:
    """Return the first unknown within a value, None if all of it is known."""
    if isinstance(value, Unknown):
        return value
    inner: list[Value] = []
    if isinstance(value, dict):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple):
        inner = list(value)
    return next((found for each in inner if (found := first_unknown(each))), None)


def is_plain(value: Value) -> bool:
    """Return whether a value can be written to YAML as it is."""
    if isinstance(value, EnvText | LocalPath):
        return False
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return all(is_plain(each) for each in value)
    return value is None or isinstance(value, str | int | float | bool)


def has_template(value: Value) -> bool:
    """Return whether a value holds a Jinja template, which the orchestrator would render."""
    if isinstance(value, dict):
        return any(has_template(each) for pair in value.items() for each in pair)
    if isinstance(value, list | tuple):
        return any(has_template(each) for each in value)
    return isinstance(value, str) and ("{{" in value or "{%" in value)
