"""What a query needs of its tables, so that it goes on returning what it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from sqlglot import exp


class Kind(Enum):
    """A column by name; one that may be another table's; any; the number and order of all.

    FIRST: that many columns by position. WITHOUT: no column of that name. ROWS: which rows it has.
    CODE: the query's own text of one of its columns, by its number.
    """

    COLUMN = auto()
    PERHAPS = auto()
    ANY = auto()
    WHOLE = auto()
    FIRST = auto()
    WITHOUT = auto()
    ROWS = auto()
    CODE = auto()


class Need(NamedTuple):
    """One thing that a query needs of a table."""

    table: str
    kind: Kind
    column: str = ""
    columns: int = 0


Needs = frozenset[Need]
NONE: Needs = frozenset()


def perhaps(needs: Iterable[Need]) -> Needs:
    """Return the needs of a name that may mean something else."""
    return frozenset(
        Need(need.table, Kind.PERHAPS, need.column) if need.kind is Kind.COLUMN else need
        for need in needs
    )


@dataclass(frozen=True, slots=True)
class Needed:
    """All that is needed of one relation.

    `columns` certainly, `perhaps` if they are its own. `is_any`: any column may be. `is_whole`: the
    number and order of all columns matter. `first` is how many columns are needed by position.
    `unwanted` are names that no new column may have; `is_closed`: there may be no new column.
    """

    columns: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()
    is_any: bool = False
    is_whole: bool = False
    first: int = 0
    unwanted: frozenset[str] = frozenset()
    is_closed: bool = False

    def __or__(self, other: Needed) -> Needed:
        return Needed(
            self.columns | other.columns,
            self.perhaps | other.perhaps,
            self.is_any or other.is_any,
            self.is_whole or other.is_whole,
            max(self.first, other.first),
            self.unwanted | other.unwanted,
            self.is_closed or other.is_closed,
        )


def of_tables(needs: Iterable[Need]) -> dict[str, Needed]:
    """Return table -> what is needed of it."""
    listed: dict[str, dict[Kind, list[Need]]] = {}
    for need in needs:
        listed.setdefault(need.table, {}).setdefault(need.kind, []).append(need)
    return {table: _needed(kinds) for table, kinds in listed.items()}


def _needed(kinds: Mapping[Kind, list[Need]]) -> Needed:
    def names(kind: Kind) -> frozenset[str]:
        return frozenset(need.column for need in kinds.get(kind, ()))

    return Needed(
        names(Kind.COLUMN),
        names(Kind.PERHAPS),
        Kind.ANY in kinds,
        Kind.WHOLE in kinds,
        max((need.columns for need in kinds.get(Kind.FIRST, ())), default=0),
        names(Kind.WITHOUT),
    )


@dataclass
class Notes:
    """What a reader finds while it reads a query.

    `needs` are there whichever of the query's columns are used; `rows` are what the set of its rows
    is made of. `unresolved` are names that nothing has. `is_lost`: a name means something that the
    reader does not know. `has_twins`: two columns of a query have one name.
    """

    needs: set[Need] = field(default_factory=set)
    rows: set[Need] = field(default_factory=set)
    unresolved: set[str] = field(default_factory=set)
    is_lost: bool = False
    has_twins: bool = False
    _read: set[int] = field(default_factory=set)
    _parts: list[set[Need]] = field(default_factory=list)

    def need(self, needs: Iterable[Need]) -> None:
        """Note needs."""
        self.needs.update(needs)

    def use(self, made_of: Iterable[Need]) -> None:
        """Note what a value is made of that the part of a query that is being read uses."""
        (self._parts[-1] if self._parts else self.rows).update(made_of)

    @contextmanager
    def reading_part(self) -> Iterator[set[Need]]:
        """Give what is used while a column is read, apart from what determines the rows."""
        self._parts.append(set())
        yield self._parts[-1]
        self._parts.pop()

    def mark_read(self, *nodes: exp.Expr) -> None:
        """Note that columns or tables of the query have been read."""
        self._read.update(node.meta.get(_NUMBER, 0) for node in nodes)

    def has_read_all(self, count: int) -> bool:
        """Return whether all columns and tables have been read, of this many."""
        return not self.is_lost and self._read >= set(range(1, count + 1))


_NUMBER = "floe_number"
_CODE = "floe_code"


def own_code(projection: exp.Expr) -> Needs:
    """Return the text of a numbered projection as a need, none for any other."""
    number = projection.meta.get(_CODE)
    return NONE if number is None else frozenset([Need("", Kind.CODE, columns=number)])


def number_code(projection: exp.Expr, number: int) -> None:
    """Number a projection, so that what is made of it is known by the number."""
    projection.meta[_CODE] = number


def number_parts(query: exp.Expr) -> int:
    """Number the columns and tables of a query, and return how many there are.

    The number stays with a node where a reader copies it. A name that sqlglot does not take for a
    column although it stands for a value, as in `name.upper()`, counts as well: nothing reads it.
    """
    count = 0
    for node in query.find_all(exp.Column, exp.Table, exp.Identifier):
        if not isinstance(node, exp.Identifier) or _is_stray(node):
            count += 1
            node.meta[_NUMBER] = count
    return count


def _is_stray(name: exp.Identifier) -> bool:
    place = name.parent
    is_of_pivot = isinstance(place, exp.In) and isinstance(place.parent, exp.Pivot)
    if is_of_pivot or isinstance(place, _NAMING) or _NAMING_AS.get(type(place)) == name.arg_key:
        return name.name.lower() in ("true", "false")  # SQLite reads `true` as the alias.
    around = name.find_ancestor(exp.Lambda, exp.Query)
    while isinstance(around, exp.Lambda) and name not in around.expressions:
        around = around.find_ancestor(exp.Lambda, exp.Query)
    return not isinstance(around, exp.Lambda)


# What has names that stand for no value of a column; and the part of it that has.
_NAMING = (
    *(exp.Column, exp.Table, exp.Aliases, exp.TableAlias, exp.PivotAlias, exp.CTE, exp.ColumnDef),
    *(exp.DataType, exp.Pivot, exp.Window, exp.Star, exp.Schema),
)
_NAMING_AS: dict[object, str] = {
    **dict.fromkeys((exp.Anonymous, exp.Kwarg, exp.PropertyEQ), "this"),
    **dict.fromkeys((exp.Collate, exp.Comprehension, exp.Dot), "expression"),
    **{exp.Alias: "alias", exp.Join: "using", exp.Lambda: "expressions", exp.Unnest: "offset"},
}
