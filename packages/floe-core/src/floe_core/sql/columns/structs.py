"""Structs and lists of structs: the members of a value, each with its own origins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from floe_core.sql.columns.origins import (
    DIRECT,
    IDENTITY,
    NOTHING,
    TRANSFORMATION,
    Origins,
    apply_step,
    merge,
)
from floe_core.sql.columns.relation import Field
from floe_core.sql.names import Names

NO_VALUE = Field("", NOTHING)


def struct_of(members: Sequence[Field]) -> Field:
    """Return a struct of members."""
    origins = apply_step(merge(each.origins for each in members), TRANSFORMATION)
    return Field("", origins, tuple(members))


def member_of(value: Field, names: Sequence[str], identifiers: Names) -> Field:
    """Return a member of a value; each name is a member of the one before.

    If the members of a value are unknown, the member has the value's origins, provided that they
    are one column. Of several columns, it is unknown which one applies.
    """
    for place, name in enumerate(names):
        if not value.members:
            return _of_unknown(value) if place < len(names) else value
        key = identifiers.key(name)
        found = [each for each in value.members if identifiers.key(each.name) == key]
        if not found or value.lists:
            return NO_VALUE
        value = found[0]
    return value


def list_of(values: Sequence[Field]) -> Field:
    """Return a list of values."""
    together = alike(values)
    return replace(
        together, origins=apply_step(together.origins, TRANSFORMATION), lists=together.lists + 1
    )


def element_of(value: Field) -> Field:
    """Return an element of a list; a value that is not known to be a list is its own element."""
    return replace(alike([value], TRANSFORMATION), lists=max(0, value.lists - 1))


def alike(values: Sequence[Field], subtype: str = IDENTITY, extra: Origins = NOTHING) -> Field:
    """Return a value that is one of several, after a step; `extra` are origins of the choice.

    It has members if all the values have the same ones.
    """
    origins = merge([*(apply_step(each.origins, subtype) for each in values), extra])
    shapes = {(each.lists, tuple(member.name for member in each.members)) for each in values}
    if len(shapes) != 1 or not values[0].members:
        return Field("", origins, lists=values[0].lists if len(shapes) == 1 else 0)
    columns = zip(*(each.members for each in values), strict=True)
    members = (replace(alike(each, subtype, extra), name=each[0].name) for each in columns)
    return Field("", origins, tuple(members), values[0].lists)


def flatten(value: Field) -> list[Field]:
    """Return the members of a struct, with nested structs replaced by their members."""
    found: list[Field] = []
    for member in value.members:
        found += flatten(member) if member.members and not member.lists else [member]
    return found


def _of_unknown(value: Field) -> Field:
    direct = [
        origin
        for origin, steps in value.origins.items()
        if any(kind == DIRECT for kind, _ in steps)
    ]
    return Field("", apply_step(value.origins, TRANSFORMATION)) if len(direct) < 2 else NO_VALUE
