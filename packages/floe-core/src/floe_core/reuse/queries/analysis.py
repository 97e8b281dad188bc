"""Analyze a query's text: what its columns are made of, and whether its result can vary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import sqlglot
from sqlglot import Token, TokenType, exp

from floe_core.reuse.catalogs.catalog import catalog_of
from floe_core.reuse.queries.functions import Functions
from floe_core.reuse.queries.parts import ROWS, WHOLE, Columns, Leaf, Part, digest, join_parts
from floe_core.reuse.queries.row_order import goes_by_row_order, has_bare_columns
from floe_core.reuse.queries.steadiness import find_own_call, find_varying, find_varying_call
from floe_core.sql.columns.known_tables import KnownTable
from floe_core.sql.names import Names
from floe_core.sql.parsed import parse_query
from floe_core.sql.sliced_columns import Slice, slice_query

_TEXTS = (TokenType.STRING, TokenType.IDENTIFIER)
_VALUES = (TokenType.NUMBER, TokenType.VAR, *_TEXTS)
_WORDS = frozenset({"distinct", "ignore", "respect", "+"})


def token_words(sql: str, dialect: str) -> list[str]:
    """Return a query's tokens, without comments and blanks, in one case except for texts.

    Raises:
        sqlglot.errors.TokenError: The text can't be tokenized in that dialect.
    """
    tokens = sqlglot.tokenize(sql, dialect=dialect)
    return [f"{t.token_type.name}:{_word(t)}" for t in tokens]


def is_whole(sql: str, read: str, dialect: str) -> bool:
    """Return whether all names and values of a query are in the SQL generated from its tree.

    sqlglot drops arguments of some dialects' functions that its syntax tree has no place for. Such
    queries count as equal only if their texts are.

    Raises:
        sqlglot.errors.TokenError: One of the two can't be tokenized in that dialect.
    """
    return not _values(sql, dialect) - _values(read, dialect)


def _values(sql: str, dialect: str) -> Counter[str]:
    tokens = sqlglot.tokenize(sql, dialect=dialect)
    following = [*(t.token_type for t in tokens[1:]), None]
    return Counter(
        word
        for token, after in zip(tokens, following, strict=True)
        if (token.token_type in _VALUES and after != TokenType.L_PAREN)
        or token.text.lower() in _WORDS
        # `interval '1 day'` is generated as `interval '1' day`.
        for word in token.text.lower().split() or [""]
    )


def _word(token: Token) -> str:
    return token.text if token.token_type in _TEXTS else token.text.lower()


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
        query = parse_query(sql, dialect)
        text = query.sql(dialect=dialect, comments=False, normalize_functions="upper")
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
    kept = query.find_all(exp.Identifier) if catalog.names.ignores_case else ()
    written = [name.name for name in kept]
    whole = analysis_of_text(f"{text} {own} {written}", inputs, never, by_row_order=by_order)
    if is_bare or not is_read_whole or not catalog.separates_columns:
        return whole
    try:
        found = _by_column(query, dialect, names)
    except _STUMBLES:
        return whole
    return replace(whole, rows=found.rows, columns=found.columns)


def _by_column(query: exp.Expr, dialect: str, names: InputNames) -> Columns:
    """Return the parts of a query.

    Raises:
        NotUnderstoodError: They cannot be told apart.
    """
    rows, columns = slice_query(names.rename_tables(query), dialect, names.tables())
    of_rows = _part_of(rows)
    named = {key: join_parts(of_rows, _part_of(each)) for key, each in columns.items()}
    return Columns(of_rows, named)


def _part_of(of_query: Slice) -> Part:
    leaves = frozenset(Leaf(table, column or ROWS) for table, column in of_query.reads)
    return Part(digest(of_query.code, sorted(leaves)), leaves)


class InputNames:
    """The inputs of a query."""

    def __init__(self, inputs: Sequence[Input], names: Names) -> None:
        self._names = names
        self._inputs = inputs
        self._by_place = {
            tuple(map(names.of_relation, place)): each.node_id
            for each in inputs
            for place in ((each.database, each.schema, each.name), (each.schema, each.name))
        }

    def node_of(self, table: exp.Table) -> str | None:
        """Return the id of the node that the table belongs to."""
        return self._by_place.get(self._place(table))

    def rename_tables(self, query: exp.Expr) -> exp.Expr:
        """Return the query with the id of its node as the name of each input; aliases stay."""
        query = query.copy()
        for table in list(query.find_all(exp.Table)):
            node_id = self.node_of(table)
            if node_id is None:
                continue
            if not table.alias:
                table.set("alias", exp.TableAlias(this=table.this.copy()))
            table.set("this", exp.to_identifier(node_id, quoted=True))
            table.set("db", None)
            table.set("catalog", None)
        return query

    def tables(self) -> list[KnownTable]:
        """Return the inputs by the ids of their nodes."""
        return [
            KnownTable(each.node_id, each.columns or (), is_complete=each.columns is not None)
            for each in self._inputs
        ]

    def _place(self, table: exp.Table) -> tuple[str, ...]:
        parts = [part for part in table.parts if isinstance(part, exp.Identifier)]
        if len(parts) != len(table.parts) or len(parts) < 2:
            return ()
        return tuple(self._names.query_key(part.name, is_quoted=part.quoted) for part in parts)
