"""Settings that name a secret instead of holding it."""

from __future__ import annotations

import os
import re
from typing import Any

_ENV_VAR = re.compile(r"""^\{\{\s*env_var\(\s*['"]([^'"]+)['"]\s*\)\s*\}\}$""")


class MissingSecretError(Exception):
    """The environment lacks what a setting names."""


def resolved(value: Any, setting: str) -> str:
    """Return the value of a setting, from the environment where it says `env:NAME`.

    `{{ env_var('NAME') }}`, as dbt has it, says the same. No value is "".

    Raises:
        MissingSecretError: The variable is not set.
    """
    text = "" if value is None else str(value).strip()
    name = _variable(text)
    if not name:
        return text
    if not os.environ.get(name):
        raise MissingSecretError(
            f"`{setting}` names the environment variable {name}, which is not set; set it"
        )
    return os.environ[name]


def _variable(text: str) -> str:
    if text.startswith("env:"):
        return text.removeprefix("env:")
    match = _ENV_VAR.match(text)
    return match[1] if match else ""
