"""The keys in entries of lists, which values.yaml cannot show: the schema describes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]


def keys_of_entries(schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield key and description of each key in an entry of a list, such as `products[].name`.

    A key without a description of its own has that of the mapping it is in.
    """
    yield from _walk(schema, schema, "", "")


def _walk(root: Schema, part: Schema, place: str, told: str) -> Iterator[tuple[str, str]]:
    part = _resolved(root, part)
    told = str(part.get("description", told))
    inner, items = part.get("properties", {}), _resolved(root, part.get("items") or {})
    if items.get("properties") and items.get("additionalProperties") is False:
        yield from _walk(root, items, f"{place}[]", "")
    elif inner:
        for key, each in inner.items():
            yield from _walk(root, each, f"{place}.{key}" if place else key, told)
    elif "[]" in place:
        yield place, told


def _resolved(root: Schema, part: Schema) -> Schema:
    """Return a part of a schema with its reference followed, what stands beside it kept."""
    while "$ref" in part:
        found: Any = root
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = {**found, **{key: value for key, value in part.items() if key != "$ref"}}
    return part
