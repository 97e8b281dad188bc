"""Change each key of a chart's values once and see whether the render changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from chart_values import Place, at, dotted, keys, merged, with_value
from helm_engine import HelmRefusedError, Target, rendered_text

_UPGRADE = Target(is_upgrade=True)


def keys_without_effect(
    chart: Path, schema: Mapping[str, Any], bases: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return the keys that change nothing, whichever of the bases they are changed in.

    A base is a values file in which parts are on that are off by default.
    """
    whole = [merged(chart / "values.yaml", base) for base in bases]
    renders = [rendered_text(chart, values, target=_UPGRADE) for values in whole]
    pending: dict[Place, Any] = {}
    for values in whole:
        pending.update(
            {place: part for place, part in keys(schema, values) if place != ("global",)}
        )
    for values, before in zip(whole, renders, strict=True):
        reachable = {place: pending[place] for place, _ in keys(schema, values) if place in pending}
        # Helm is a process of its own, so two threads keep two cores busy.
        with ThreadPoolExecutor(2) as pool:
            tries = [(chart, values, before, place, part) for place, part in reachable.items()]
            changes = pool.map(lambda each: _changes(*each), tries)
        for place in [place for place, has in zip(reachable, changes, strict=True) if has]:
            del pending[place]
    return [dotted(place) for place in pending]


def _changes(
    chart: Path, values: Mapping[str, Any], before: str, place: Place, schema: Any
) -> bool:
    for other in other_values(schema, at(values, place)):
        try:
            changed = with_value(values, place, other)
            if rendered_text(chart, changed, target=_UPGRADE) != before:
                return True
        except HelmRefusedError:
            continue
    return False


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
        yield max((value or 0) - 1, 1)
    if "string" in kinds and "enum" not in schema:
        number = re.match(r"\d+", str(value or ""))
        yield f"{int(number[0]) + 1}{value[number.end() :]}" if number else f"{value or ''}other"
