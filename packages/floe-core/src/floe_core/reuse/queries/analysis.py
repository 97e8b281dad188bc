"""Analyze a query's text: what its columns are made of, and whether its result can vary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from floe_core.reuse.catalogs.known import catalog_of
from floe_core.reuse.queries.bare_columns import has_bare_columns
from floe_core.reuse.queries.functions import Functions
from floe_core.reuse.queries.parts import ROWS, WHOLE, Columns, Leaf, Part, digest, join_parts
from floe_core.reuse.queries.query_reader import BARE, WRITTEN, QueryReader
from floe_core.reuse.queries.row_order import goes_by_row_order
from floe_core.reuse.queries.steadiness import find_own_call, find_varying, find_varying_call
from floe_core.reuse.queries.token_words import is_whole, token_words
from floe_core.sql.names import Names

# What sqlglot raises if it can't parse SQL: its own errors, or errors inside its code.
_STUMBLES = (
    *(sqlglot.errors.SqlglotError, RecursionError, ValueError, LookupError),
    *(AttributeError, TypeError),
)
# Each run is planned twice, with the same queries.
_KEPT = 20_000
UNREADABLE = "SQL that floe cannot read"


@dataclass(frozen=True, slots=True)
class Input:
    """A relation that a query may read; `columns` are all its columns, None if not known."""

    node_id: str
    database: str
    schema: str
    name: str
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """The analysis of a query.

    `tree` is the hash of its syntax tree: comments, blanks and the case of keywords don't count.
    `columns` is None if they cannot be separated; then `rows` stands for the whole query. `never`
    is the part that may vary although no input does, "" for none. `by_row_order` is whether its
    result may change if an input has the same rows in another order.
    """

    tree: str
    rows: Part
    columns: Mapping[str, Part] | None = None
    never: str = ""
    by_row_order: bool = True

    @property
    def reads(self) -> frozenset[Leaf]:
        """Everything that it reads from its inputs."""
        parts = [self.rows, *(self.columns or {}).values()]
        return frozenset().union(*(part.leaves for part in parts))


def analysis_of_text(
    text: str, inputs: Sequence[Input], never: str = "", *, by_row_order: bool = True
) -> Analysis:
    """Return the analysis of text that is not readable SQL: every input counts as a whole."""
    leaves = frozenset(Leaf(each.node_id, WHOLE) for each in inputs)
    rows = Part(digest(text), leaves)
    return Analysis(digest(text), rows, never=never, by_row_order=by_row_order)


Analyse = Callable[[str, str, tuple[Input, ...], Functions], Analysis]


@lru_cache(maxsize=_KEPT)
def analyse(sql: str, dialect: str, inputs: tuple[Input, ...], functions: Functions) -> Analysis:
    """Return the analysis of a query, in the dialect of an adapter's warehouse."""
    catalog = catalog_of(dialect)
    try:
        query = sqlglot.parse_one(sql, dialect=dialect)
        text = _canonical(query, dialect)
    except _STUMBLES:
        return analysis_of_text(sql, inputs, UNREADABLE)
    if not isinstance(query, exp.Query | exp.Pivot):
        return analysis_of_text(sql, inputs, UNREADABLE)
    names = InputNames(inputs, catalog.names)
    own = find_own_call(sql, dialect, functions)
    never = own or find_varying(query, names.node_of, functions.steady, catalog.varying_names)
    if catalog.lists_functions:
        never = never or find_varying_call(sql, dialect, catalog, functions.steady)
    is_read_whole = is_whole(sql, text, dialect)
    if catalog.lists_functions or not is_read_whole:
        text = " ".join(token_words(sql, dialect))
    is_bare = catalog.has_bare_columns and has_bare_columns(query)
    by_order = is_bare or goes_by_row_order(query)
    # Once the function is gone, another one may have its name.
    written = _mark_names(query) if catalog.names.ignores_case else []
    whole = analysis_of_text(f"{text} {own} {written}", inputs, never, by_row_order=by_order)
    if is_bare or not is_read_whole or not catalog.separates_columns:
        return whole
    try:
        found = _by_column(query, dialect, names)
    except _STUMBLES:
        return whole
    return replace(whole, rows=found.rows, columns=found.columns)


def _mark_names(query: exp.Expr) -> list[str]:
    """Return all names as written, and keep each where it is: to resolve them folds their case."""
    names = [*query.find_all(exp.Identifier)]
    for name in names:
        name.meta[WRITTEN] = name.name
    return [name.name for name in names]


def _canonical(query: exp.Expr, dialect: str) -> str:
    return query.sql(dialect=dialect, comments=False, normalize_functions="upper")


def _by_column(query: exp.Expr, dialect: str, names: InputNames) -> Columns:
    for column in query.find_all(exp.Column):
        column.meta[BARE] = not column.table
    names.rename_tables(query)
    schema = MappingSchema(names.schema, dialect=dialect, normalize=False)
    qualified = qualify(
        query,
        dialect=dialect,
        schema=schema,
        quote_identifiers=False,
        validate_qualify_columns=True,
    )
    return QueryReader(names.tables).read(qualified, {})


class InputNames:
    """The inputs of a query, under names that are unique in it."""

    def __init__(self, inputs: Sequence[Input], names: Names) -> None:
        self._names = names
        self._by_place: dict[tuple[str, ...], str] = {}
        self._node_ids: dict[str, str] = {}
        self.schema: dict[str, object] = {}
        self.tables: dict[str, Columns] = {}
        for number, each in enumerate(inputs):
            name = f"floe_input_{number}"
            self._node_ids[name] = each.node_id
            for place in ((each.database, each.schema, each.name), (each.schema, each.name)):
                self._by_place[tuple(map(names.of_relation, place))] = name
            if each.columns is not None:
                columns = [names.key(column) for column in each.columns]
                self.schema[name] = dict.fromkeys(columns, "unknown")
                self.tables[name] = _columns_of(each.node_id, columns)

    def node_of(self, table: exp.Table) -> str | None:
        """Return the id of the node that the table belongs to."""
        found = self._by_place.get(self._place(table))
        return self._node_ids[found] if found else None

    def rename_tables(self, query: exp.Expr) -> None:
        """Give each input its own table name in the query; aliases stay."""
        for table in list(query.find_all(exp.Table)):
            name = self._by_place.get(self._place(table))
            if name is None:
                continue
            if not table.alias:
                table.set("alias", exp.TableAlias(this=table.this.copy()))
            table.set("this", exp.to_identifier(name, quoted=True))
            table.set("db", None)
            table.set("catalog", None)

    def _place(self, table: exp.Table) -> tuple[str, ...]:
        parts = [part for part in table.parts if isinstance(part, exp.Identifier)]
        if len(parts) != len(table.parts) or len(parts) < 2:
            return ()
        return tuple(self._names.query_key(part.name, is_quoted=part.quoted) for part in parts)


def _columns_of(node_id: str, columns: Sequence[str]) -> Columns:
    def leaf(column: str) -> Part:
        return join_parts(
            "input", Part(digest(node_id, column), frozenset({Leaf(node_id, column)}))
        )

    return Columns(leaf(ROWS), {name: leaf(name) for name in columns})
