"""Settings that name a secret instead of holding it."""

from __future__ import annotations

import os
from typing import Any

from floe_core.secrets.references import sole_reference


class MissingSecretError(Exception):
    """The environment lacks what a setting names."""


def resolved(value: Any, setting: str) -> str:
    """Return the value of a setting, from the environment where it says `env:NAME`.

    `{{ env_var('NAME') }}`, as dbt has it, says the same. No value is "".

    Raises:
        MissingSecretError: The variable is not set.
    """
    text = "" if value is None else str(value).strip()
    name = sole_reference(text)
    if not name:
        return text
    if not os.environ.get(name):
        raise MissingSecretError(
            f"`{setting}` names the environment variable {name}, which is not set; set it"
        )
    return os.environ[name]
