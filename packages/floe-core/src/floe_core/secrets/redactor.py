"""Remove secrets from texts that are written, sent or shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from floe_core.secrets.recognition import HIDDEN, hide_shapes, is_secret_key, is_secret_variable

# Shorter values are too likely to be ordinary words or numbers.
SHORTEST_SECRET = 6


class Redactor:
    """Replaces secrets with `***`: known values, and texts that look like secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spelled = {each for text in secrets for each in _spellings(text)}
        known = sorted(spelled, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def hide_known(self, text: str) -> str:
        """Return the text without the known values."""
        return self._known.sub(HIDDEN, text) if self._known else text

    def text(self, text: str) -> str:
        """Return the text without secrets."""
        return hide_shapes(self.hide_known(text))

    def hide_known_in_tree(self, value: Any) -> Any:
        """Return JSON-like data without the known values, in texts and in keys."""
        if self._known is None:
            return value
        if isinstance(value, str):
            return self.hide_known(value)
        if isinstance(value, dict):
            return {
                self.hide_known_in_tree(key): self.hide_known_in_tree(v) for key, v in value.items()
            }
        if isinstance(value, list):
            return [self.hide_known_in_tree(each) for each in value]
        return value

    def tree(self, value: Any) -> Any:
        """Return JSON-like data without secrets in its texts, keys left as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self._member(str(key), each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.tree(each) for each in value]
        return value

    def _member(self, key: str, value: Any) -> Any:
        is_secret = is_secret_key(key) or is_secret_variable(key)
        return HIDDEN if isinstance(value, str) and value and is_secret else self.tree(value)


def _spellings(secret: str) -> Iterator[str]:
    """Yield a secret as it is and as others quote it: SQL, JSON, URLs, and line by line."""
    if len(secret) < SHORTEST_SECRET:
        return
    yield from (secret, secret.replace("'", "''"), json.dumps(secret)[1:-1], repr(secret)[1:-1])
    yield from (json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe=""))
    lines = (line.strip() for line in secret.splitlines())
    yield from (line for line in lines if len(line) >= SHORTEST_SECRET)
