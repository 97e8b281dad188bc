"""The origins of a value: columns of tables, and the transformations applied to them.

The types and subtypes are OpenLineage's: a DIRECT origin contributes its value to the result, an
INDIRECT one influences it. The subtype "" is direct, but unknown from the query.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

Transformation = tuple[str, str]
DIRECT, INDIRECT = "DIRECT", "INDIRECT"
IDENTITY, TRANSFORMATION, AGGREGATION, UNKNOWN = "IDENTITY", "TRANSFORMATION", "AGGREGATION", ""
_WEIGHT = {IDENTITY: 0, TRANSFORMATION: 1, UNKNOWN: 2, AGGREGATION: 3}


class Origin(NamedTuple):
    """A column of a table; `table` is the name under which the table was passed to `derive`."""

    table: str
    column: str


Origins = Mapping[Origin, frozenset[Transformation]]
NOTHING: Origins = {}


def read(origin: Origin) -> Origins:
    """Return the origins of a column that is read unchanged."""
    return {origin: frozenset({(DIRECT, IDENTITY)})}


def merge(several: Iterable[Origins]) -> Origins:
    """Return the union of several origins."""
    found: dict[Origin, frozenset[Transformation]] = {}
    for origins in several:
        for origin, transformations in origins.items():
            found[origin] = found.get(origin, frozenset()) | transformations
    return found


def apply_step(origins: Origins, subtype: str) -> Origins:
    """Return the origins of a value after one more step; of direct steps, the heaviest is kept."""
    if subtype == IDENTITY:
        return origins
    return {
        origin: frozenset(_heavier(each, subtype) for each in transformations)
        for origin, transformations in origins.items()
    }


def as_indirect(origins: Origins, subtype: str) -> Origins:
    """Return the origins as INDIRECT ones with a subtype: FILTER, JOIN, WINDOW and so on."""
    return dict.fromkeys(origins, frozenset({(INDIRECT, subtype)}))


def _heavier(transformation: Transformation, subtype: str) -> Transformation:
    kind, before = transformation
    if kind == INDIRECT or _WEIGHT[before] >= _WEIGHT[subtype]:
        return transformation
    return DIRECT, subtype
