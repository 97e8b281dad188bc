"""Find the columns of its tables that a query needs.

A column that a query names is needed. A column that is only part of a `*` is needed if a reader of
the query needs it. So removing a column from a table need not break a `select *` downstream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from floe_core.compiler.code.raw_sql import UnreadableSqlError

NAMED = "floe_named"
# Columns that the stars of a query leave out or replace, and that must exist for that.
LEFT_OUT = "floe_left_out"
# Any column.
ALL = "*"
# Prefix of a column name that may belong to another table.
PERHAPS = "?"

Columns = tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """A query with its columns assigned to tables; names in lower case.

    `columns` are its output columns, None if they are not known. `unresolved` are names that none
    of its tables has, as far as their columns are known.
    """

    scopes: tuple[Scope, ...]
    columns: Columns | None
    unresolved: frozenset[str]

    def needs(self, outputs: Iterable[str]) -> dict[str, set[str]]:
        """Return table -> needed columns, given which of the query's own columns are needed.

        A name that may be a column of several tables counts for each, marked with `PERHAPS`.
        """
        return _Needs(self.scopes).find_needed(set(outputs))


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
        for column in parsed.find_all(exp.Column):
            column.meta[NAMED] = not isinstance(column.this, exp.Star)
        for select in parsed.find_all(exp.Select):
            select.meta[LEFT_OUT] = list(_find_left_out(select))
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
    return Query(scopes, _columns(qualified), _find_unresolved(scopes, tables))


def _find_left_out(select: exp.Select) -> Iterator[tuple[str, str]]:
    """Yield (table, column) that stars leave out, replace or rename; "" for any table."""
    for projection in select.expressions:
        star = projection.this if isinstance(projection, exp.Column) else projection
        if isinstance(star, exp.Star):
            table = projection.table if isinstance(projection, exp.Column) else ""
            yield from ((table, _name(each)) for each in star.args.get("except_") or ())
            yield from ((table, each.alias.lower()) for each in star.args.get("replace") or ())
            yield from ((table, _name(each.this)) for each in star.args.get("rename") or ())


def _is_renamed(table: exp.Table) -> bool:
    """Return whether a query renames the columns of a table by position."""
    alias = table.args.get("alias")
    return alias is not None and bool(alias.args.get("columns"))


def _name(node: exp.Expr) -> str:
    return node.name.lower()


def _columns(query: exp.Query) -> Columns | None:
    if query.is_star:
        return None
    names = tuple(name.lower() for name in query.named_selects)
    return names if all(names) else None


def _find_unresolved(scopes: Iterable[Scope], tables: Mapping[str, Columns]) -> frozenset[str]:
    """Return names without a table in scopes whose tables all have known columns."""
    found: set[str] = set()
    for scope in scopes:
        sources = list(scope.sources.values())
        is_known = all(
            isinstance(each, exp.Table)
            and bool(tables.get(each.name.lower()))
            and not _is_renamed(each)
            for each in sources
        )
        if not sources or not is_known or scope.is_correlated_subquery:
            continue
        bare = {column.name.lower() for column in scope.columns if not column.table}
        found |= bare - _aliases(scope)
    return frozenset(found)


def _aliases(scope: Scope) -> set[str]:
    """Return the aliases of a query's columns, except those equal to the column's own name."""
    if not isinstance(scope.expression, exp.Select):
        return set()
    return {
        each.alias_or_name.lower()
        for each in scope.expression.selects
        if not (isinstance(value := each.unalias(), exp.Column) and value.name == each.output_name)
    }


@dataclass
class _Needs:
    scopes: tuple[Scope, ...]
    _of_scope: dict[int, set[str]] = field(default_factory=dict)
    _of_table: dict[str, set[str]] = field(default_factory=dict)

    def find_needed(self, outputs: set[str]) -> dict[str, set[str]]:
        self._of_scope[id(self.scopes[-1])] = outputs
        # traverse_scope yields inner scopes before outer ones.
        for scope in reversed(self.scopes):
            self._read(scope, self._of_scope.get(id(scope), set()))
        return self._of_table

    def _read(self, scope: Scope, outputs: set[str]) -> None:
        for child in scope.set_operation_scopes:
            self._add_scope(child, {ALL})
        for child in scope.subquery_scopes:
            is_exists = isinstance(child.expression.parent, exp.Exists)
            self._add_scope(child, set() if is_exists else {ALL})
        passed = self._find_passed_on(scope)
        for column in scope.columns:
            if id(column) not in passed:
                self._need(scope, column)
                continue
            name = passed[id(column)]
            if name in outputs or ALL in outputs:
                self._need(scope, column)
            elif f"{PERHAPS}{name}" in outputs:
                self._need(scope, column, PERHAPS)
        self._read_left_out(scope)
        for star in self._stars(scope):
            of = [star] if star else list(scope.selected_sources)
            for name in of:
                self._need_of(scope, name, outputs if len(of) == 1 else perhaps(outputs))

    def _read_left_out(self, scope: Scope) -> None:
        for table, name in scope.expression.meta.get(LEFT_OUT, ()):
            sources = [table] if table else list(scope.selected_sources)
            mark = PERHAPS if len(sources) > 1 else ""
            for source in sources:
                self._need_of(scope, source, {f"{mark}{name}"})

    def _find_passed_on(self, scope: Scope) -> dict[int, str]:
        """Return id of column -> the name under which it is passed on, for columns from a `*`."""
        if not isinstance(scope.expression, exp.Select):
            return {}
        found = {}
        for projection in scope.expression.selects:
            column = projection.unalias()
            if isinstance(column, exp.Column) and not column.meta.get(NAMED):
                found[id(column)] = projection.alias_or_name.lower()
        return found

    def _stars(self, scope: Scope) -> list[str]:
        """Return the tables whose `*` is selected, "" for the star of all tables."""
        if not isinstance(scope.expression, exp.Select):
            return []
        found = []
        for projection in scope.expression.selects:
            if isinstance(projection, exp.Star):
                found.append("")
            elif isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
                found.append(projection.table)
        return found

    def _need(self, scope: Scope, column: exp.Column, mark: str = "") -> None:
        if isinstance(column.this, exp.Star):
            return
        if column.table:
            return self._need_of(scope, column.table, {f"{mark}{column.name.lower()}"})
        for name in scope.selected_sources:
            self._need_of(scope, name, {f"{PERHAPS}{column.name.lower()}"})

    def _need_of(self, scope: Scope, name: str, columns: set[str]) -> None:
        source = scope.sources.get(name)
        if isinstance(source, exp.Table):
            needed = {ALL} if _is_renamed(source) else columns
            self._of_table.setdefault(source.name.lower(), set()).update(needed)
        elif isinstance(source, Scope):
            self._add_scope(source, columns)

    def _add_scope(self, scope: Scope, columns: set[str]) -> None:
        self._of_scope.setdefault(id(scope), set()).update(columns)


def perhaps(columns: Iterable[str]) -> set[str]:
    """Return the columns, marked as possibly belonging to another table."""
    return {c if c.startswith((PERHAPS, ALL)) else f"{PERHAPS}{c}" for c in columns}


def certain(columns: Iterable[str]) -> set[str]:
    """Return the columns that certainly belong to this table."""
    return {column for column in columns if not column.startswith((PERHAPS, ALL))}
