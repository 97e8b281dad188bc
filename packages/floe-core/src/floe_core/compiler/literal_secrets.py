"""Find literal secrets in files that everyone can read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from floe_core.foundation.errors import Problem
from floe_core.secrets.recognition import is_literal_secret, is_secret_key
from floe_core.secrets.references import is_only_a_reference
from floe_core.user_yaml.source_map import Document, Location, text_values

FIX = "take it from the environment: \"{{ env_var('NAME') }}\""


def literal_secrets(document: Document, at: Location = ()) -> Iterator[tuple[Location, Problem]]:
    """Yield the location of each literal secret, found by its key or shape, with its problem.

    The problem does not contain the secret. `at` narrows the search to one part of the document.
    """
    part: Any = document.data
    for step in at:
        part = part[step]
    for location, text in text_values(part, at):
        if _is_secret(location, text):
            yield location, _problem(document, location)
    for location in _numbers_under_secret_keys(part, at):
        yield location, _problem(document, location)


def without_secrets(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings without the values that are literal secrets."""
    return {
        key: without_secrets(value) if isinstance(value, dict) else value
        for key, value in settings.items()
        if not (is_secret_key(key) or (isinstance(value, str) and _is_secret((key,), value)))
    }


def _problem(document: Document, location: Location) -> Problem:
    name = ".".join(str(step) for step in location)
    return replace(document.problem(location, f"{name}: a literal secret", FIX), excerpt="")


def _is_secret(location: Location, text: str) -> bool:
    keys = [step for step in location if isinstance(step, str)]
    if keys and is_secret_key(keys[-1]) and text and not is_only_a_reference(text):
        return True
    return is_literal_secret(text)


def _numbers_under_secret_keys(data: object, at: Location = ()) -> Iterator[Location]:
    if isinstance(data, dict):
        for key, value in data.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if is_number and is_secret_key(str(key)):
                yield (*at, key)
            yield from _numbers_under_secret_keys(value, (*at, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _numbers_under_secret_keys(value, (*at, index))
