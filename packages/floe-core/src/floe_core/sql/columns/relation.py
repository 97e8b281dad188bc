"""The known columns of a table, a subquery or a whole query, and the members of structs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from floe_core.sql.columns.needs import NONE, Kind, Need, Needs, Notes, perhaps
from floe_core.sql.columns.origins import (
    DIRECT,
    IDENTITY,
    NOTHING,
    TRANSFORMATION,
    Origin,
    Origins,
    apply_step,
    as_indirect,
    merge,
    read,
)
from floe_core.sql.names import Names


@dataclass(frozen=True, slots=True)
class Field:
    """One column, or another value; `name` is "" if it has no name to refer to it by.

    `other_name` is a second name, "" for none, by which a query may refer to it, but not `*`.
    `members` are those of a struct, () if unknown. `lists` is the number of lists around it: a
    list of structs has the members of its elements. `needs` are those of its readers, besides what
    its query names anyway. `places` is table -> how many of its columns come before, with the one
    that a `*` brings here. `made_of` is all that the values of a query's column are made of.
    """

    name: str
    origins: Origins
    members: tuple[Field, ...] = ()
    lists: int = 0
    needs: Needs = NONE
    places: Mapping[str, int] = field(default_factory=dict)
    made_of: Needs = NONE
    other_name: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """Columns in order.

    An incomplete relation may have more columns than the known ones, at unknown positions. These
    are columns of the table `rest`, except `hidden` ones; "" if their table is unknown. `effects`
    are the columns that determine which rows there are. `spread` are the tables whose columns a `*`
    brings here, new ones too. `table` is the name of one that is no query. `is_by_name`: positions
    are unknown.
    """

    fields: tuple[Field, ...] = ()
    is_complete: bool = False
    rest: str = ""
    hidden: frozenset[str] = frozenset()
    effects: Origins = field(default_factory=dict)
    spread: frozenset[str] = frozenset()
    table: str = ""
    is_by_name: bool = False

    def find(self, key: str, identifiers: Names) -> Field | None:
        """Return a known column, None for any other."""
        for each in self.fields:
            if each.name and identifiers.key(each.name) == key:
                return each
        others = (each for each in self.fields if key and each.other_name == key)
        return next(others, None)

    def unlisted(self, name: str, key: str) -> Field:
        """Return a column that is here but not known: it is one of `rest`, or of some table."""
        if self.is_complete:
            return Field(name, NOTHING)
        needs = frozenset(Need(table, Kind.COLUMN, key) for table in self.spread)
        needs = needs if len(needs) == 1 else perhaps(needs)
        is_known = self.rest and key not in self.hidden
        origins = read(Origin(self.rest, name)) if is_known else NOTHING
        return Field(name, origins, needs=needs, made_of=needs)

    def grouping(self) -> Origins:
        """Return the effects of removing duplicate rows, which depends on all columns."""
        return as_indirect(merge(each.origins for each in self.fields), "GROUP_BY")

    def rename_columns(self, names: Sequence[str], notes: Notes) -> Relation:
        """Return the relation with its first columns renamed, as in `AS t(a, b)`.

        A column that moves among them gets another name, and another takes its place.
        """
        if not names:
            return self
        is_known = self.is_complete and len(names) <= len(self.fields)
        if not self.table or not is_known or len(names) == len(self.fields):
            notes.need(self.first(len(names)))
        if not is_known:
            return Relation(effects=self.effects, spread=self.spread)
        first = [
            replace(field, name=name, needs=self.first(place) if self.table else NONE)
            for place, (name, field) in enumerate(zip(names, self.fields, strict=False), start=1)
        ]
        moving = self.first(len(names)) if self.table else NONE
        others = [replace(each, needs=each.needs | moving) for each in self.fields[len(names) :]]
        return replace(self, fields=(*first, *others))

    def all(self) -> Needs:
        """Return the needs of a reader of all columns."""
        is_any = self.table or not self.is_complete
        unknown = (Need(table, Kind.ANY) for table in self.spread if is_any)
        return frozenset(unknown).union(*(each.needs for each in self.fields))

    def row(self) -> Needs:
        """Return the needs of a reader of whole rows."""
        return self.all() | self.whole()

    def whole(self) -> Needs:
        """Return the needs of a reader to whom the number and order of all columns matter."""
        return frozenset(Need(table, Kind.WHOLE) for table in self.spread)

    def made_of(self) -> Needs:
        """Return what the values of all columns are made of."""
        return NONE.union(*(each.made_of for each in self.fields))

    def first(self, count: int) -> Needs:
        """Return the needs of a reader of the first columns by position."""
        if count and self.is_by_name:
            return self.whole()
        unknown = () if self.is_complete else [dict.fromkeys(self.spread, count)]
        places = [*(each.places for each in self.fields[:count]), *unknown]
        return frozenset(
            Need(table, Kind.FIRST, columns=most)
            for table, most in merge_places(places).items()
            if most
        )

    def without(self, key: str) -> Needs:
        """Return the needs of a reader that must not find a new column of this name."""
        return frozenset(Need(table, Kind.WITHOUT, key) for table in self.spread)


def merge_places(several: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Return table -> the highest of several counts."""
    found: dict[str, int] = {}
    for places in several:
        for table, count in places.items():
            found[table] = max(found.get(table, 0), count)
    return found


def table_relation(
    table: str, columns: Sequence[str], identifiers: Names, *, is_complete: bool
) -> Relation:
    """Return the relation of a table of which some or all columns are known."""
    fields = tuple(
        Field(column, read(Origin(table, column)), needs=own, places={table: place}, made_of=own)
        for place, column in enumerate(columns, start=1)
        if (own := frozenset([Need(table, Kind.COLUMN, identifiers.key(column))]))
    )
    rest, spread = "" if is_complete else table, frozenset([table])
    return Relation(fields, is_complete, rest, spread=spread, table=table)


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
