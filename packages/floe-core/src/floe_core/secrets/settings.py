"""Read settings of a plugin that refer to a value: `env:NAME`, `file:/PATH`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from floe_core.secrets.references import sole_reference, value_of, without_value


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
