"""Find literal secrets in files that are read by everyone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from floe_core.errors import Problem
from floe_core.source_map import Document, Location, text_values

_SECRET_KEY = re.compile(
    r"(^|[_-])(pass(word|wd|phrase)?|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|private[_-]?key|"
    r"account[_-]?key|secret[_-]?key|credentials?|authorization|auth|bearer|keyfile[_-]?json|sas)$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"^\s*(\{\{\s*env_var\(\s*['\"]\w+['\"]\s*\)[^}]*\}\}|env:\w+|\$\{\w+\})\s*$"
)
_SECRET_TEXTS = (
    re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@{]*:(?!\{\{)[^/\s@]+@", re.IGNORECASE),
    re.compile(
        r"\b(motherduck_token|password|passwd|token|secret|api_key)=(?!\{\{|\$)[^\s&;]+", re.I
    ),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}\b"),
    re.compile(r"\bxox[baprs]-[A-Za-z0-9-]{10,}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    re.compile(r"^\s*(Bearer|Basic)\s+[A-Za-z0-9+/=._-]{8,}", re.IGNORECASE),
)
FIX = "take it from the environment: \"{{ env_var('NAME') }}\""


def literal_secrets(document: Document, at: Location = ()) -> Iterator[tuple[Location, Problem]]:
    """Yield where a literal secret is, by its key or by its shape, and a problem without its text.

    `at` narrows the search to one part of the document.
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
        if not (_SECRET_KEY.search(key) or (isinstance(value, str) and _is_secret((key,), value)))
    }


def _problem(document: Document, location: Location) -> Problem:
    name = ".".join(str(step) for step in location)
    return replace(document.problem(location, f"{name}: a literal secret", FIX), excerpt="")


def _is_secret(location: Location, text: str) -> bool:
    keys = [step for step in location if isinstance(step, str)]
    if keys and _SECRET_KEY.search(keys[-1]) and text and not _REFERENCE.match(text):
        return True
    return any(pattern.search(text) for pattern in _SECRET_TEXTS)


def _numbers_under_secret_keys(data: object, at: Location = ()) -> Iterator[Location]:
    if isinstance(data, dict):
        for key, value in data.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if is_number and _SECRET_KEY.search(str(key)):
                yield (*at, key)
            yield from _numbers_under_secret_keys(value, (*at, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _numbers_under_secret_keys(value, (*at, index))
