"""Where a value comes from: columns of tables, and what was done to them on the way.

The types and subtypes are OpenLineage's: DIRECT is a value that went into the result, INDIRECT one
that decided about it. A subtype of "" is a direct one that nobody can tell from the query.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

Transformation = tuple[str, str]
DIRECT, INDIRECT = "DIRECT", "INDIRECT"
IDENTITY, TRANSFORMATION, AGGREGATION, UNTOLD = "IDENTITY", "TRANSFORMATION", "AGGREGATION", ""
_WEIGHT = {IDENTITY: 0, TRANSFORMATION: 1, UNTOLD: 2, AGGREGATION: 3}


class Origin(NamedTuple):
    """A column of a table; tables go by the names they were given to the derivation under."""

    table: str
    column: str


Origins = Mapping[Origin, frozenset[Transformation]]
NOTHING: Origins = {}


def read(origin: Origin) -> Origins:
    """Return the origins of a column that is just read."""
    return {origin: frozenset({(DIRECT, IDENTITY)})}


def merged(several: Iterable[Origins]) -> Origins:
    """Return all origins together."""
    found: dict[Origin, frozenset[Transformation]] = {}
    for origins in several:
        for origin, transformations in origins.items():
            found[origin] = found.get(origin, frozenset()) | transformations
    return found


def changed(origins: Origins, subtype: str) -> Origins:
    """Return the origins of a value after one more step; the heavier of two direct steps counts."""
    if subtype == IDENTITY:
        return origins
    return {
        origin: frozenset(_heavier(each, subtype) for each in transformations)
        for origin, transformations in origins.items()
    }


def deciding(origins: Origins, subtype: str) -> Origins:
    """Return the origins of a value that decides about another: FILTER, JOIN, WINDOW and so on."""
    return dict.fromkeys(origins, frozenset({(INDIRECT, subtype)}))


def _heavier(transformation: Transformation, subtype: str) -> Transformation:
    kind, before = transformation
    if kind == INDIRECT or _WEIGHT[before] >= _WEIGHT[subtype]:
        return transformation
    return DIRECT, subtype
