"""Read settings of a plugin that name an environment variable, as `env:NAME`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from floe_core.secrets.references import sole_reference


def setting(settings: Mapping[str, Any], name: str) -> str:
    """Return a setting, from the environment if it names a variable; "" for none.

    Raises:
        ValueError: The variable is not set.
    """
    value = settings.get(name)
    text = "" if value is None else str(value).strip()
    variable = sole_reference(text)
    return _variable(name, variable) if variable else text


def secret_setting(settings: Mapping[str, Any], name: str) -> str:
    """Return a setting that must name a variable, from the environment; "" for none.

    Raises:
        ValueError: It holds something else, which is not shown, or the variable is not set.
    """
    if settings.get(name) is not None and not sole_reference(settings[name]):
        raise ValueError(f"`{name}` must name an environment variable, as env:NAME")
    return setting(settings, name)


def _variable(name: str, variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        what = f"`{name}` names the environment variable {variable}, which is not set; set it"
        raise ValueError(what)
    return value
