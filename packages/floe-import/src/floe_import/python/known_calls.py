"""Calls without side effects whose result the source tells: paths, environment, durations."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from floe_import.python.values import EnvNumber, EnvText, is_plain, same_kind

_OF_FOLDER = "depends on the folder in which the file runs"
_LONGEST_RANGE = 10_000


def environment_text(name: str, default: Any = None) -> EnvText:
    """Return the text of an environment variable.

    >>> environment_text("HOME"), environment_text("TARGET", "dev")
    ('${HOME}', '${TARGET:-dev}')
    """
    if "}" in str(default):
        _fail("its end could not be told from that of the default")
    return EnvText(f"${{{name}}}" if default is None else f"${{{name}:-{default}}}")


def attribute_of_text(text: str, name: str) -> str | list[str] | None:
    """Return an attribute of a path, None for any other."""
    if name == "parent":
        return same_kind(posixpath.dirname(text), text)
    if name == "parents":
        above = [posixpath.dirname(text)]
        while above[-1] not in ("", "/"):
            above.append(posixpath.dirname(above[-1]))
        return [same_kind(each, text) for each in above]
    if name == "name":
        name = posixpath.basename(text)
        return EnvText(name) if isinstance(text, EnvText) else name
    return None


def _join(first: Any, *others: Any) -> str:
    parts = [first, *others]
    if not all(isinstance(each, str) for each in parts):
        raise TypeError("not a path")
    joined = posixpath.normpath(posixpath.join(*parts))
    # What is before an absolute path is no part of it.
    start = max((at for at, each in enumerate(parts) if each.startswith("/")), default=0)
    return same_kind(joined, *parts[start:])


def _path(first: Any = ".", *others: Any) -> str:
    return _join(first, *others)


def _text(value: Any) -> str:
    if not isinstance(value, str | int | float | bool):
        raise TypeError("not plain")
    if isinstance(value, EnvNumber):
        return EnvText(value)
    return value if isinstance(value, str) else str(value)


def _same(text: str) -> str:
    return text


def _resolve(text: str, **_: Any) -> str:
    is_absolute = text.startswith(("/", "$"))
    return same_kind(posixpath.normpath(text), text) if is_absolute else _fail(_OF_FOLDER)


def _expanduser(text: str) -> str:
    """Return a path with the home folder in place of `~`, which depends on the user.

    >>> _expanduser("~/.dbt"), _expanduser("/dbt")
    ('${HOME}/.dbt', '/dbt')
    """
    first, *rest = text.split("/")
    if first == "~":
        return EnvText("/".join(["${HOME}", *rest]))
    return _fail("it is the home folder of another user") if first[:1] == "~" else text


def _fail(why: str) -> Any:
    raise ValueError(why)


def _dirname(text: str) -> str:
    return same_kind(posixpath.dirname(text), text)


def _int(value: Any) -> int | str:
    return EnvNumber(value) if isinstance(value, EnvText) else int(value)


def _as_list(values: Any = ()) -> list[Any]:
    if not isinstance(values, list | tuple):
        raise TypeError("not a list")
    return list(values)


def _items(values: dict[Any, Any]) -> list[tuple[Any, Any]]:
    return list(values.items())


def _numbered(values: Any, start: int = 0) -> list[tuple[int, Any]]:
    return list(enumerate(_as_list(values), start))


def _side_by_side(*lists: Any) -> list[tuple[Any, ...]]:
    return list(zip(*map(_as_list, lists), strict=False))


def _range(*numbers: int) -> list[int]:
    found = range(*numbers)
    return list(found) if len(found) <= _LONGEST_RANGE else _fail("too long to read")


def _of_text(name: str) -> Callable[..., Any]:
    def call(text: str, *given: Any) -> Any:
        found = getattr(str(text), name)(*given)
        return same_kind(found, text) if isinstance(found, str) else found

    return call


def _as_json(value: Any, **_: Any) -> str:
    if not is_plain(value):
        raise TypeError("not plain")
    return json.dumps(value)


KNOWN_CALLS: dict[str, Callable[..., Any]] = {
    "pathlib.Path": _path,
    "pathlib.PurePath": _path,
    "pathlib.PosixPath": _path,
    "builtins.str": _text,
    "builtins.int": _int,
    "builtins.list": _as_list,
    "builtins.tuple": _as_list,
    "builtins.enumerate": _numbered,
    "builtins.range": _range,
    "builtins.zip": _side_by_side,
    "os.fspath": _text,
    "os.path.join": _join,
    "os.path.dirname": _dirname,
    "os.path.abspath": _resolve,
    "os.path.realpath": _resolve,
    "os.path.normpath": _path,
    "os.path.expanduser": _expanduser,
    "pathlib.Path.home": lambda: EnvText("${HOME}"),
    "os.getenv": environment_text,
    "os.environ.get": environment_text,
    "json.dumps": _as_json,
    "datetime.timedelta": timedelta,
    "pendulum.duration": timedelta,
}
# Of a text, or a path.
METHODS: dict[str, Callable[..., Any]] = {
    "as_posix": _same,
    "resolve": _resolve,
    "absolute": _resolve,
    "joinpath": _join,
    "expanduser": _expanduser,
}
# Of a text whose value is known.
METHODS_OF_TEXTS: dict[str, Callable[..., Any]] = {
    name: _of_text(name)
    for name in (
        *("lower", "upper", "title", "capitalize", "strip", "lstrip", "rstrip", "replace", "split"),
        *("removeprefix", "removesuffix", "startswith", "endswith"),
    )
}
METHODS_OF_DICTS: dict[str, Callable[..., Any]] = {
    "get": dict.get,
    "items": _items,
    "keys": list,
    "values": lambda values: list(values.values()),
}
