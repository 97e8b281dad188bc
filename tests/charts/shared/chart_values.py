"""Values as Helm merges them, and each key's place in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import strict_yaml

Place = tuple[str | int, ...]


def merged(*layers: Path | Mapping[str, Any]) -> dict[str, Any]:
    """Return the layers merged, later ones over earlier ones, mappings key by key."""
    found: dict[str, Any] = {}
    for layer in layers:
        found = _over(
            found, strict_yaml.document(layer.read_text()) if isinstance(layer, Path) else layer
        )
    return found


def _over(below: Mapping[str, Any], above: Mapping[str, Any] | None) -> dict[str, Any]:
    found = dict(below)
    for key, value in (above or {}).items():
        both = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = _over(found[key], value) if both else value
    return found


def at(values: Any, place: Place | str) -> Any:
    """Return the value at a place, given as steps or with dots; None where nothing is."""
    for step in place.split(".") if isinstance(place, str) else place:
        if isinstance(values, Mapping):
            values = values.get(step)
        elif isinstance(values, list) and isinstance(step, int) and step < len(values):
            values = values[step]
        else:
            return None
    return values


def with_value(values: Any, place: Place, value: Any) -> Any:
    """Return the values with another one at a place; what else there is stays as it is."""
    if not place:
        return value
    step, rest = place[0], place[1:]
    if isinstance(step, int):
        return [
            with_value(each, rest, value) if n == step else each for n, each in enumerate(values)
        ]
    return {**(values or {}), step: with_value((values or {}).get(step), rest, value)}


def dotted(place: Place) -> str:
    """Return a place as people write it.

    >>> dotted(("a", 0, "b"))
    'a[0].b'
    """
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in place).lstrip(".")


def keys(schema: Mapping[str, Any], values: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield place and schema of each key that a value is written to, from the schema down.

    Of a list of mappings, the keys of its first entry are told.
    """
    root = schema
    yield from _keys(root, schema, values, place)


def _keys(root: Mapping[str, Any], schema: Any, values: Any, place: Place) -> Iterator[Any]:
    schema = resolved(root, schema)
    inner = schema.get("properties")
    items = resolved(root, schema.get("items", {})) if isinstance(schema.get("items"), dict) else {}
    if inner:
        for key, part in inner.items():
            below = values.get(key) if isinstance(values, Mapping) else None
            yield from _keys(root, part, below, (*place, key))
    elif items.get("properties") and values:
        yield from _keys(root, items, values[0], (*place, 0))
    else:
        yield place, schema


def resolved(root: Mapping[str, Any], schema: Any) -> dict[str, Any]:
    """Return a schema with its `$ref` into the same file followed, what stands beside it kept."""
    while "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return dict(schema)
