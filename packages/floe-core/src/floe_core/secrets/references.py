"""References of settings to environment variables and files, in place of values.

`{{ env_var('NAME') }}` and `{{ env_var('NAME', 'default') }}` as in dbt, `${NAME}`, `env:NAME`.
And to a file that holds the value, as Kubernetes and Vault's agent mount secrets: `file:/PATH`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_CALL = r"""env_var\(\s*['"](\w+)['"]\s*(?:,\s*['"]([^'"]*)['"]\s*)?\)"""
_REFERENCE = re.compile(rf"\{{\{{\s*{_CALL}[^}}]*\}}\}}|\$\{{(\w+)\}}|^env:(\w+)$|^(file:/[^/].*)$")
_FILE = "file:"
# An empty default is nobody's secret.
_OR_EMPTY = r"""(?:,\s*(?:''|"")\s*)?"""
_ONLY = re.compile(
    rf"""^\s*(\{{\{{\s*env_var\(\s*['"]\w+['"]\s*{_OR_EMPTY}\)[^}}]*\}}\}}|env:\w+|\$\{{\w+\}}|(?:file:/|connection:)[^/].*)\s*$"""
)
_WITHOUT_DEFAULT = re.compile(r"""env_var\(\s*['"](\w+)['"]\s*\)""")
_USED = re.compile(r"""env_var\(\s*['"](\w+)['"]""")


class UnsetVariableError(LookupError):
    """A setting refers to an environment variable that is not set, or a file that is not there."""


def resolve(value: Any) -> Any:
    """Return a setting with each reference replaced by its value, at any depth.

    Raises:
        UnsetVariableError: A variable without default is not set, or a file can't be read.
    """
    if isinstance(value, dict):
        return {key: resolve(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(each) for each in value]
    return _REFERENCE.sub(_value, value) if isinstance(value, str) else value


def referenced_names(value: Any) -> Iterator[str]:
    """Yield the variables, and files as `file:/PATH`, that a setting refers to, at any depth."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from referenced_names(each)
    elif isinstance(value, str):
        for match in _REFERENCE.finditer(value):
            yield _name(match)


def value_of(name: str) -> str | None:
    """Return the value of an environment variable or of `file:/PATH`, None if there is none.

    The line break at the end of a file is not part of its value.
    """
    if not name.startswith(_FILE):
        return os.environ.get(name)
    try:
        return Path(name.removeprefix(_FILE)).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        return None


def sole_reference(value: object) -> str:
    """Return the variable or file if a setting is nothing but a reference to it, "" for any other.

    >>> sole_reference("env:TOKEN"), sole_reference("{{ env_var('TOKEN') }}"), sole_reference("x")
    ('TOKEN', 'TOKEN', '')
    """
    found = _REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    return _name(found) if found and found[2] is None else ""


def is_only_a_reference(text: str) -> bool:
    """Return whether a setting takes its value from the environment alone.

    >>> is_only_a_reference("{{ env_var('PGPW', '') }}")
    True
    >>> is_only_a_reference("{{ env_var('PGPW', 'pw') }}")
    False
    """
    return bool(_ONLY.match(text))


def required_names(text: str) -> list[str]:
    """Return the variables that a dbt text reads without a default."""
    return _WITHOUT_DEFAULT.findall(text)


def used_names(text: str) -> list[str]:
    """Return all variables that a dbt text reads, such as a model."""
    return _USED.findall(text)


def _name(match: re.Match[str]) -> str:
    return match[1] or match[3] or match[4] or match[5]


def _value(match: re.Match[str]) -> str:
    name = _name(match)
    found = value_of(name)
    found = match[2] if found is None else found
    if found is None:
        raise UnsetVariableError(without_value(name))
    return found


def without_value(name: str) -> str:
    """Return what is wrong with a variable or file that `value_of` finds no value for."""
    if name.startswith(_FILE):
        return f"the file {name.removeprefix(_FILE)} can't be read"
    return f"environment variable {name} is not set"


def setting(settings: Mapping[str, Any], name: str) -> str:
    """Return a setting, or the value that it refers to; "" for none.

    Raises:
        ValueError: The variable is not set, or the file can't be read.
    """
    value = settings.get(name)
    text = "" if value is None else str(value).strip()
    variable = sole_reference(text)
    return _variable(name, variable) if variable else text


def secret_setting(settings: Mapping[str, Any], name: str) -> str:
    """Return the value that a setting refers to; "" for no setting.

    Raises:
        ValueError: It holds something else, which is not shown, or there is no value.
    """
    if settings.get(name) is not None and not sole_reference(settings[name]):
        raise ValueError(f"`{name}` must be a reference: env:NAME or file:/PATH")
    return setting(settings, name)


def _variable(name: str, variable: str) -> str:
    value = value_of(variable)
    if not value:
        raise ValueError(f"`{name}`: {without_value(variable)}")
    return value
