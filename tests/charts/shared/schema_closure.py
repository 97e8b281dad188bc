"""Is a values schema closed, and does it stand alone?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def findings(schema: Mapping[str, Any], passed_through: Mapping[str, str]) -> list[str]:
    """Return each place where any key is accepted, and each reference to elsewhere.

    `passed_through` maps the name of a key that Kubernetes reads, not the chart, to why.
    """
    return list(_findings(schema, (), passed_through))


def _findings(part: Any, place: tuple[str, ...], passed: Mapping[str, str]) -> Iterator[str]:
    if isinstance(part, list):
        for n, each in enumerate(part):
            yield from _findings(each, (*place, str(n)), passed)
    if not isinstance(part, Mapping):
        return
    shown = "/".join(place) or "the top"
    if not str(part.get("$ref", "#")).startswith("#"):
        yield f"{shown} refers to {part['$ref']}"
    is_object = part.get("type") == "object" or "object" in (part.get("type") or ())
    if (
        is_object
        and part.get("additionalProperties") is not False
        and not _is_passed(place, passed)
    ):
        yield f"{shown} accepts any key"
    for key, each in part.items():
        if key not in ("examples", "default", "enum", "const"):
            yield from _findings(each, (*place, key), passed)


def _is_passed(place: tuple[str, ...], passed: Mapping[str, str]) -> bool:
    """Tell whether the nearest key above is one that is passed through."""
    names = [
        step for step in place if step not in ("properties", "items", "$defs", "anyOf", "oneOf")
    ]
    return any(name in passed for name in names[-2:])
