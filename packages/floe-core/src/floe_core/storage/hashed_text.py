"""JSON preceded by a line with its hash, so that a damaged text is detected."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def to_hashed_text(edition: Any, content: Any) -> str:
    """Return JSON-like content as text; `edition` identifies the format."""
    body = json.dumps(content, separators=(",", ":"))
    return f"{json.dumps({'format': edition, 'hash': _hash(body)})}\n{body}"


def from_hashed_text(edition: Any, text: str) -> Any:
    """Return the content of a text.

    Raises:
        ValueError: The text is damaged, or of another edition.
    """
    head, _, body = text.partition("\n")
    header = json.loads(head)
    if not isinstance(header, dict) or header.get("format") != edition:
        found = header.get("format") if isinstance(header, dict) else None
        raise ValueError(f"its format is {found}, and this floe knows {edition}")
    if header.get("hash") != _hash(body):
        raise ValueError("it is damaged")
    return json.loads(body)


def _hash(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
