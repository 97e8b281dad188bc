"""The known columns of a table, a subquery or a whole query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from floe_core.sql.columns.origins import NOTHING, Origin, Origins, as_indirect, merge, read
from floe_core.sql.names import Identifiers


@dataclass(frozen=True, slots=True)
class Field:
    """One column, or another value; `name` is "" if it has no name to refer to it by.

    `members` are those of a struct, () if unknown. `lists` is the number of lists around it: a
    list of structs has the members of its elements.
    """

    name: str
    origins: Origins
    members: tuple[Field, ...] = ()
    lists: int = 0


@dataclass(frozen=True, slots=True)
class Relation:
    """Columns in order.

    An incomplete relation may have more columns than the known ones, at unknown positions. These
    are columns of the table `rest`, except `hidden` ones; "" if their table is unknown. `effects`
    are the columns that determine which rows there are.
    """

    fields: tuple[Field, ...] = ()
    is_complete: bool = False
    rest: str = ""
    hidden: frozenset[str] = frozenset()
    effects: Origins = field(default_factory=dict)

    def find(self, key: str, identifiers: Identifiers) -> Field | None:
        """Return a known column, None for any other."""
        for each in self.fields:
            if each.name and identifiers.key(each.name) == key:
                return each
        return None

    def known_origins(self, key: str, identifiers: Identifiers) -> Origins | None:
        """Return the origins of a known column, None for any other."""
        found = self.find(key, identifiers)
        return None if found is None else found.origins

    def unlisted_origins(self, name: str, key: str) -> Origins:
        """Return the origins of a column that is here but not known: in `rest`, or none."""
        if self.is_complete or not self.rest or key in self.hidden:
            return NOTHING
        return read(Origin(self.rest, name))

    def grouping(self) -> Origins:
        """Return the effects of removing duplicate rows, which depends on all columns."""
        return as_indirect(merge(each.origins for each in self.fields), "GROUP_BY")

    def rename_columns(self, names: Sequence[str]) -> Relation:
        """Return the relation with its first columns renamed, as in `AS t(a, b)`."""
        if not names:
            return self
        if not self.is_complete or len(names) > len(self.fields):
            return Relation(effects=self.effects)
        first = [replace(field, name=name) for name, field in zip(names, self.fields, strict=False)]
        return replace(self, fields=(*first, *self.fields[len(names) :]))


def table_relation(table: str, columns: Sequence[str], *, is_complete: bool) -> Relation:
    """Return the relation of a table of which some or all columns are known."""
    fields = tuple(Field(column, read(Origin(table, column))) for column in columns)
    return Relation(fields, is_complete, rest="" if is_complete else table)
