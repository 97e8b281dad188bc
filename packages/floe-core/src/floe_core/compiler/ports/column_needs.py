"""Find the columns of its tables that a query needs.

A column that a query names is needed. A column that is only part of a `*` is needed if a reader of
the query needs it. So removing a column from a table need not break a `select *` downstream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from floe_core.compiler.code.raw_sql import THIS, UnreadableSqlError
from floe_core.compiler.ports.query_needs import (
    ALIASES,
    BY_POSITION,
    HIDDEN,
    IS_BARE,
    IS_NATURAL,
    LEFT_OUT,
    NAMED,
    READ_ALIASES,
    Columns,
    QueryNeeds,
    new_names,
)
from floe_core.sql.columns.derivation import KnownTable, derive_query


@dataclass(frozen=True)
class Query:
    """A query with its columns assigned to tables; names in lower case.

    `columns` are its output columns, None if they are not known. `unresolved` are names that none
    of its tables has, as far as their columns are known.
    """

    scopes: tuple[Scope, ...]
    tables: Mapping[str, Columns]
    columns: Columns | None
    unresolved: frozenset[str]

    def needs(self, outputs: Iterable[str]) -> dict[str, set[str]]:
        """Return table -> needed columns, given which of the query's own columns are needed.

        Both contain the marks of `column_marks`. A name that may be a column of several tables
        counts for each, marked with `PERHAPS`.
        """
        return QueryNeeds(self.scopes, self.tables).find_needed(set(outputs))


def read_query(sql: str, dialect: str, tables: Mapping[str, Columns]) -> Query:
    """Return a query over tables; `tables` holds those with known columns.

    Raises:
        UnreadableSqlError: The query cannot be parsed.
    """
    schema: dict[str, object] = {
        name: dict.fromkeys(columns, "text") for name, columns in tables.items() if columns
    }
    try:
        parsed = sqlglot.parse_one(sql, dialect=dialect)
        if not isinstance(parsed, exp.Query):
            raise UnreadableSqlError("no query")
        if any(not _is_of_source(each) for each in parsed.find_all(exp.Pivot)):
            raise UnreadableSqlError("a PIVOT statement in a query")
        columns = _derive_columns(parsed, dialect, tables)
        _note_what_is_written(parsed)
        qualified = qualify(
            parsed,
            dialect=dialect,
            schema=schema,
            validate_qualify_columns=False,
            allow_partial_qualification=True,
        )
        scopes = tuple(traverse_scope(qualified))
    except (sqlglot.errors.SqlglotError, RecursionError, KeyError, ValueError) as error:
        raise UnreadableSqlError(str(error)) from None
    if not scopes:
        raise UnreadableSqlError("no query")
    return Query(scopes, tables, columns, _find_unresolved(scopes, tables))


def _derive_columns(
    query: exp.Query, dialect: str, tables: Mapping[str, Columns]
) -> Columns | None:
    """Return the columns as the warehouse names them, None unless all are known."""
    known = [KnownTable(name, columns, True) for name, columns in tables.items() if columns]
    found = derive_query(query, dialect, known)
    return tuple(name.lower() for name, _ in found.columns) if found.is_complete else None


def _is_of_source(pivot: exp.Pivot) -> bool:
    """Return whether a pivot stands behind a table or subquery, rather than around one."""
    return isinstance(pivot.parent, exp.Table | exp.Subquery) and pivot.this is None


def _note_what_is_written(query: exp.Query) -> None:
    """Note at the nodes of a query what they lose when their columns are assigned to tables."""
    for column in query.find_all(exp.Column):
        column.meta[NAMED] = not isinstance(column.this, exp.Star)
        column.meta[IS_BARE] = not column.table
    for select in query.find_all(exp.Select):
        select.meta[LEFT_OUT] = list(_find_left_out(select))
        select.meta[ALIASES] = {each.alias.lower() for each in select.expressions}
        select.meta[READ_ALIASES] = _find_read_aliases(select)
        joins = select.args.get("joins") or ()
        select.meta[IS_NATURAL] = any(join.method == "NATURAL" for join in joins)
    for named in query.find_all(exp.CTE, exp.Subquery):
        alias = named.args.get("alias")
        for select in _branches(named.this):
            select.meta[BY_POSITION] = len(alias.args.get("columns") or ()) if alias else 0


def _branches(query: exp.Expr) -> Iterator[exp.Select]:
    """Yield the SELECTs of a query that is one, or a set operation of several."""
    if isinstance(query, exp.Select):
        yield query
    elif isinstance(query, exp.SetOperation):
        yield from _branches(query.this)
        yield from _branches(query.expression)


def _find_read_aliases(select: exp.Select) -> set[str]:
    """Return the aliases of a SELECT that it reads itself, outside ORDER BY.

    A column of its tables wins over an alias, except in ORDER BY.
    """
    aliases = select.meta[ALIASES]
    parts = [each for each in select.iter_expressions() if not isinstance(each, exp.Order)]
    return {
        _name(column)
        for part in parts
        for column in part.find_all(exp.Column)
        if not column.table and _name(column) in aliases
    }


def _find_left_out(select: exp.Select) -> Iterator[tuple[str, str]]:
    """Yield (table, column) that stars leave out, replace or rename; "" for any table."""
    for projection in select.expressions:
        star = projection.this if isinstance(projection, exp.Column) else projection
        if isinstance(star, exp.Star):
            table = projection.table if isinstance(projection, exp.Column) else ""
            yield from ((table, _name(each)) for each in star.args.get("except_") or ())
            yield from ((table, each.alias.lower()) for each in star.args.get("replace") or ())
            yield from ((table, _name(each.this)) for each in star.args.get("rename") or ())


def _name(node: exp.Expr) -> str:
    return node.name.lower()


def _find_unresolved(scopes: Iterable[Scope], tables: Mapping[str, Columns]) -> frozenset[str]:
    """Return names without a table in scopes whose tables all have known columns."""
    found: set[str] = set()
    for scope in scopes:
        known = [_known_columns(source, tables) for source in scope.sources.values()]
        if not known or not all(known) or scope.is_correlated_subquery:
            continue
        bare = {column.name.lower() for column in scope.columns if not column.table}
        found |= bare - set().union(*known) - _aliases(scope) - HIDDEN
    return frozenset(found)


def _known_columns(source: object, tables: Mapping[str, Columns]) -> Columns:
    """Return all columns of a source by the names that a query has for them, () if not known."""
    if not isinstance(source, exp.Table) or source.args.get("pivots"):
        return ()
    if source.name == THIS or new_names(source):
        return ()
    return tables.get(source.name.lower(), ())


def _aliases(scope: Scope) -> set[str]:
    """Return the aliases of a query's columns, except those equal to the column's own name."""
    if not isinstance(scope.expression, exp.Select):
        return set()
    written: set[str] = scope.expression.meta.get(ALIASES, set())
    return written | {
        each.alias_or_name.lower()
        for each in scope.expression.selects
        if not (isinstance(value := each.unalias(), exp.Column) and value.name == each.output_name)
    }
