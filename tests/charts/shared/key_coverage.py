"""Change each key of a chart's values once and see whether the render changes.

Helm takes longer to start than to render, so one run of it renders many variants: as parts of a
chart made for that, each under a name of its own.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import strict_yaml
from chart_values import Place, at, dotted, keys, merged, with_value
from helm_engine import Target, rendered_text
from jsonschema import Draft7Validator

_UPGRADE = Target(is_upgrade=True)
_SOURCE = re.compile(r"^# Source: [^/]+/charts/([^/]+)/", re.MULTILINE)
_SUM = re.compile(r"(?<=checksum/).*$|(?<=-)[0-9a-f]{8,10}$", re.MULTILINE)
# What a render takes time for and does not need: each value was held to its part of the schema.
_UNREAD = shutil.ignore_patterns("values.schema.json", "examples", "README.md")
Values = Mapping[str, Any]
Schema = Mapping[str, Any]


def keys_without_effect(chart: Path, schema: Schema, bases: Sequence[Values]) -> list[str]:
    """Return the keys that change nothing, whichever of the bases they are changed in.

    A base is a values file in which parts are on that are off by default.
    """
    silent: dict[Place, None] = {}
    heard: set[Place] = set()
    for base in bases:
        values = merged(chart / "values.yaml", base)
        places = {place: part for place, part in keys(schema, values) if place != ("global",)}
        silent |= dict.fromkeys(places)
        asked = {place: part for place, part in places.items() if place not in heard}
        heard |= _with_effect(chart, schema, values, asked)
    return [dotted(place) for place in silent if place not in heard]


def written_keys_without_effect(chart: Path, schema: Schema, written: Values | Path) -> list[str]:
    """Return the keys that stand in a values file and change nothing of what it renders.

    Of a list of mappings, those of its first entry.
    """
    values = merged(chart / "values.yaml", written)
    own = merged(written)
    places = {place: part for place, part in keys(schema, values) if _stands_in(own, place)}
    heard = _with_effect(chart, schema, values, places)
    return [dotted(place) for place in places if place not in heard]


def _stands_in(values: Any, place: Place) -> bool:
    """Tell whether a key is written, if only as null."""
    above = at(values, place[:-1]) if place[:-1] else values
    return isinstance(above, Mapping) and place[-1] in above


def _with_effect(
    chart: Path, schema: Schema, values: Values, places: Mapping[Place, Any]
) -> set[Place]:
    """Return the places at which another value renders otherwise: the first one, or any."""
    others = {place: _others(schema, part, at(values, place)) for place, part in places.items()}
    first = {place: found[:1] for place, found in others.items()}
    heard = _changing(chart, values, first)
    rest = {place: found[1:] for place, found in others.items() if place not in heard}
    return heard | _changing(chart, values, rest)


def _changing(chart: Path, values: Values, others: Mapping[Place, list[Any]]) -> set[Place]:
    variants = [
        (place, with_value(values, place, other))
        for place, found in others.items()
        for other in found
    ]
    before, *after = _renders(chart, [values, *(variant for _, variant in variants)])
    return {place for (place, _), text in zip(variants, after, strict=True) if text != before}


def _others(schema: Schema, part: Schema, value: Any) -> list[Any]:
    """Return the values that a key may take instead, as far as its schema takes them."""
    check = Draft7Validator({**part, "$defs": schema.get("$defs", {})})
    return [other for other in other_values(part, value) if check.is_valid(other)]


def other_values(schema: Mapping[str, Any], value: Any) -> Iterator[Any]:
    """Yield values that a key may take instead, those of the schema's `examples` first."""
    yield from (each for each in schema.get("examples", []) if each != value)
    yield from (each for each in schema.get("enum", []) if each != value)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "boolean" in kinds:
        yield not value
    if "integer" in kinds:
        yield (value or 0) + 1
        yield max((value or 0) - 1, schema.get("minimum", 1))
    if "array" in kinds and value:
        yield value[:-1]
    if "string" in kinds and "enum" not in schema:
        number = re.match(r"\d+", str(value or ""))
        yield f"{int(number[0]) + 1}{value[number.end() :]}" if number else f"{value or ''}other"


def _renders(chart: Path, variants: Sequence[Values]) -> list[str]:
    """Return what the chart renders for each of many values, in their order."""
    names = [f"k{number:04}" for number in range(len(variants))]
    with tempfile.TemporaryDirectory(prefix="floe-keys-") as folder:
        shutil.copytree(chart, Path(folder, "charts", chart.name), ignore=_UNREAD)
        Path(folder, "Chart.yaml").write_text(_chart_of_many(chart, names))
        text = rendered_text(Path(folder), dict(zip(names, variants, strict=True)), target=_UPGRADE)
    found = dict.fromkeys(names, "")
    for document in re.split(r"^---\n", text, flags=re.MULTILINE):
        if source := _SOURCE.search(document):
            found[source[1]] += document.replace(source[1], "NAME")
    # Sums differ with the name that each part has; what they are sums of is in the render itself.
    return [_SUM.sub("SUM", text) for text in found.values()]


def _chart_of_many(chart: Path, names: Sequence[str]) -> str:
    own = strict_yaml.document((chart / "Chart.yaml").read_text())
    part = f"name: {own['name']}, version: {own['version']}, alias: "
    parts = "".join(f"  - {{{part}{name}}}\n" for name in names)
    return f"apiVersion: v2\nname: many\nversion: 1.0.0\ndependencies:\n{parts}"
