"""The environment of the manifest that is chosen for this process."""

from __future__ import annotations

import os
from difflib import get_close_matches

ENVIRONMENT_VARIABLE = "FLOE_ENV"


def chosen_environment() -> str:
    """Return the environment that FLOE_ENV names, "" for none."""
    return os.environ.get(ENVIRONMENT_VARIABLE, "")


def name_in_environment(name: str, environment: str) -> str:
    """Return what a store calls a product or job in an environment, "" for none.

    >>> name_in_environment("shop", "prod"), name_in_environment("shop", "")
    ('shop@prod', 'shop')
    """
    return f"{name}@{environment}" if environment else name


def unknown_environment(name: str, known: list[str], where: str) -> str:
    """Return the error message for an environment that does not exist."""
    what = f"{ENVIRONMENT_VARIABLE}: {where} has no environment '{name}'"
    if not known:
        return f"{what}; add `environments` to manifest.yaml and compile again, or unset it"
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"{what}; {hint}it has {', '.join(known)}"
