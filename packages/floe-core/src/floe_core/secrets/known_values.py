"""Find the values of secrets in this process's environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from floe_core.secrets.names import is_secret_key, is_secret_variable
from floe_core.secrets.references import referenced_names, value_of


def known_secrets(*settings: Any) -> dict[str, str]:
    """Return variable -> value for the variables, and the files, that are secrets and not empty.

    A variable is a secret by its own name, or by the key under which one of `settings`, such as a
    dbt profile, uses it: in `password: "{{ env_var('PGPW') }}"` the value of PGPW is a secret.
    """
    names = {name for name in os.environ if is_secret_variable(name)}
    names.update(name for each in settings for name in _under_secret_keys(each))
    values = {name: value_of(name) for name in sorted(names)}
    return {name: value for name, value in values.items() if value}


def _under_secret_keys(settings: Any) -> Iterator[str]:
    if isinstance(settings, dict):
        for key, value in settings.items():
            if is_secret_key(str(key)) and not isinstance(value, dict):
                yield from referenced_names(value)
            else:
                yield from _under_secret_keys(value)
    elif isinstance(settings, list | tuple):
        for each in settings:
            yield from _under_secret_keys(each)
