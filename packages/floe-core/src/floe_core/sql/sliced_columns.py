"""Cut a query into the code of each of its columns, and that of its rows.

The code of a column is what is left of the query without all other columns that it is not made of.
Two queries whose rows and column have the same code, and read the same columns of their tables,
return the same values in this column, row by row, on equal tables. In doubt, an error is raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from floe_core.sql.columns.aggregates import adds_up
from floe_core.sql.columns.known_tables import KnownTable, read_relation
from floe_core.sql.columns.needs import Kind, Need, Notes, number_code, number_parts
from floe_core.sql.columns.scope import Scope
from floe_core.sql.columns.sources import NotUnderstoodError
from floe_core.sql.names import WORDS, Names, names_of

_UNCERTAIN = frozenset({Kind.ANY, Kind.PERHAPS})
_NOT_BY_ROW = frozenset({"ASOF", "POSITIONAL"})


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a query: its text, and the columns that it reads: (table, column).

    The column is "" for the set of a table's rows.
    """

    code: tuple[str, ...]
    reads: frozenset[tuple[str, str]]


def slice_query(
    query: exp.Expr, dialect: str, tables: Sequence[KnownTable]
) -> tuple[Slice, Mapping[str, Slice]]:
    """Return what a query's rows are made of, and each of its columns by key.

    Raises:
        NotUnderstoodError: The columns cannot be told apart with certainty.
    """
    _refuse(query)
    names, notes = names_of(dialect), Notes()
    code = _Code(query, dialect, names)
    count = number_parts(query)
    try:
        relation = read_relation(query, tables, Scope(names, notes=notes))
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise NotUnderstoodError(str(error)) from None
    keys = [names.key(each.name) for each in relation.fields if each.name]
    if notes.has_twins or not relation.is_complete or len(relation.fields) != len(set(keys)):
        raise NotUnderstoodError("columns without a name of their own")
    if not notes.has_read_all(count) or notes.unresolved:
        raise NotUnderstoodError("a part of the query that is not read")
    noted = notes.needs | notes.rows | relation.made_of()
    if _UNCERTAIN & {need.kind for need in noted}:
        raise NotUnderstoodError("whole rows, or a name that may mean two things")
    known = {t.name: {"", *map(names.key, t.columns)} for t in tables if t.is_complete}
    needed = (need for need in noted if need.table and need.kind is not Kind.WITHOUT)
    if any(need.column not in known.get(need.table, ()) for need in needed):
        raise NotUnderstoodError("a column that is not known")
    rows = code.slice(notes.rows, is_of_rows=True)
    pairs = zip(keys, relation.fields, strict=True)
    return rows, {key: code.slice(each.made_of) for key, each in pairs}


class _Code:
    """The text of a query, in parts: each projection's, and what is left without them."""

    def __init__(self, query: exp.Expr, dialect: str, names: Names) -> None:
        self._dialect = dialect
        self._names = names
        self._projections: list[str] = []
        for place, select in enumerate(list(_outer_selects(query))):
            for each in _valued(select):
                number_code(each, len(self._projections))
                self._projections.append(f"{place}: {self._text(each)}")
        self._rest = self._text(_without_projections(query))

    def slice(self, made_of: Iterable[Need], *, is_of_rows: bool = False) -> Slice:
        """Return what is made of these needs."""
        made_of = list(made_of)
        numbers = sorted(need.columns for need in made_of if need.kind is Kind.CODE)
        code = [self._projections[number] for number in numbers]
        read = (need for need in made_of if need.kind in (Kind.COLUMN, Kind.ROWS) and need.table)
        reads = frozenset((need.table, need.column) for need in read)
        return Slice((*((self._rest,) if is_of_rows else ()), *code), reads)

    def _text(self, expression: exp.Expr) -> str:
        """Return the text of an expression, with each name as the warehouse keeps it."""
        copy = expression.copy()
        for name in copy.find_all(exp.Identifier):
            if name.name.lower() not in WORDS:
                name.set("this", self._names.spell(name))
                name.set("quoted", True)
        return copy.sql(dialect=self._dialect, comments=False, normalize_functions="upper")


def _without_projections(query: exp.Expr) -> exp.Expr:
    """Return a query with the stars that it selects, and whether it aggregates."""
    query = query.copy()
    for select in list(_outer_selects(query)):
        stars = (each for each in select.expressions if isinstance(each, exp.Star | exp.Column))
        kept = [each for each in stars if each.is_star]
        aggregated = any(adds_up(each) for each in select.expressions)
        added = [exp.Literal.string("aggregated")] if aggregated else []
        select.set("expressions", [*kept, *added])
    return query


def _outer_selects(query: exp.Expr) -> Iterator[exp.Select]:
    """Yield the SELECTs of a query that are not in a projection of another one."""
    if isinstance(query, exp.Select):
        yield query
    for name, value in query.args.items():
        if isinstance(query, exp.Select) and name == "expressions":
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, exp.Expr):
                yield from _outer_selects(each)


def _valued(select: exp.Select) -> Iterator[exp.Expr]:
    """Yield the expressions that a SELECT lists, those among them that stars replace columns by."""
    for projection in select.expressions:
        yield projection
        star = projection.this if isinstance(projection, exp.Column) else projection
        replaced = star.args.get("replace") if isinstance(star, exp.Star) else None
        yield from (each.this for each in replaced or ())


def _refuse(query: exp.Expr) -> None:
    """Refuse queries whose rows may depend on more than their code says.

    Raises:
        NotUnderstoodError: It is one of them.
    """
    for node in query.walk():
        if isinstance(node, exp.With) and node.args.get("recursive"):
            raise NotUnderstoodError("recursive")
        if isinstance(node, exp.Distinct) and node.args.get("on"):
            raise NotUnderstoodError("distinct on")
        if isinstance(node, exp.Join) and str(node.args.get("method") or "") in _NOT_BY_ROW:
            raise NotUnderstoodError("a join by position or order")
        if isinstance(node, exp.Ordered) and not _is_of_query(node):
            raise NotUnderstoodError("a function of rows ordered by all columns")
        if isinstance(node, exp.Group) and _has_position_in_sets(node):
            raise NotUnderstoodError("a position in grouping sets")


def _is_of_query(ordered: exp.Ordered) -> bool:
    """Return whether an ORDER BY is a query's, or names what a function orders its rows by."""
    order = ordered.parent
    is_of_query = order is not None and isinstance(order.parent, exp.Query)
    return is_of_query or not isinstance(ordered.this, exp.Var)


def _has_position_in_sets(group: exp.Group) -> bool:
    within = (exp.Rollup, exp.Cube, exp.GroupingSets, exp.Tuple, exp.Paren)
    return any(isinstance(each.parent, within) for each in group.find_all(exp.Literal))
