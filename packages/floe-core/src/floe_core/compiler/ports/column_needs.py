"""Which columns of its tables a query cannot do without.

A column that a query names is needed. One that only comes along with `*` is needed if what reads
the query needs it. So a column may go from a table without breaking a `select *` below it.
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
# What the stars of a query leave out or replace, which has to be there for that.
LEFT_OUT = "floe_left_out"
# Any column.
ALL = "*"
# Before the name of a column that may be of another table.
PERHAPS = "?"

Columns = tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """A query, its columns given their tables; names in lower case.

    `columns` are those that it gives, None where that cannot be told. `unresolved` are names that
    none of its tables has, as far as their columns are known.
    """

    scopes: tuple[Scope, ...]
    columns: Columns | None
    unresolved: frozenset[str]

    def needs(self, outputs: Iterable[str]) -> dict[str, set[str]]:
        """Return table -> columns needed, if these of the query's own columns are needed.

        A name that may be a column of several tables is needed of each, marked with `PERHAPS`.
        """
        return _Needs(self.scopes).needed(set(outputs))


def read_query(sql: str, dialect: str, tables: Mapping[str, Columns]) -> Query:
    """Return a query that reads tables of which these have known columns.

    Raises:
        UnreadableSqlError: It is no query that can be read.
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
            select.meta[LEFT_OUT] = list(_left_out(select))
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
    return Query(scopes, _columns(qualified), _unresolved(scopes, tables))


def _left_out(select: exp.Select) -> Iterator[tuple[str, str]]:
    """Yield table and column of what stars leave out, replace or rename; "" for whichever table."""
    for projection in select.expressions:
        star = projection.this if isinstance(projection, exp.Column) else projection
        if isinstance(star, exp.Star):
            table = projection.table if isinstance(projection, exp.Column) else ""
            yield from ((table, _name(each)) for each in star.args.get("except_") or ())
            yield from ((table, each.alias.lower()) for each in star.args.get("replace") or ())
            yield from ((table, _name(each.this)) for each in star.args.get("rename") or ())


def _is_renamed(table: exp.Table) -> bool:
    """Return whether a query gives the columns of a table other names, one after the other."""
    alias = table.args.get("alias")
    return alias is not None and bool(alias.args.get("columns"))


def _name(node: exp.Expr) -> str:
    return node.name.lower()


def _columns(query: exp.Query) -> Columns | None:
    if query.is_star:
        return None
    names = tuple(name.lower() for name in query.named_selects)
    return names if all(names) else None


def _unresolved(scopes: Iterable[Scope], tables: Mapping[str, Columns]) -> frozenset[str]:
    """Return names without a table in scopes all of whose tables have known columns."""
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
    """Return the names that a query gives to its columns, and that are not just a column's own."""
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

    def needed(self, outputs: set[str]) -> dict[str, set[str]]:
        self._of_scope[id(self.scopes[-1])] = outputs
        # traverse_scope gives what is inside before what is around it.
        for scope in reversed(self.scopes):
            self._read(scope, self._of_scope.get(id(scope), set()))
        return self._of_table

    def _read(self, scope: Scope, outputs: set[str]) -> None:
        for child in scope.set_operation_scopes:
            self._add_scope(child, {ALL})
        for child in scope.subquery_scopes:
            is_exists = isinstance(child.expression.parent, exp.Exists)
            self._add_scope(child, set() if is_exists else {ALL})
        passed = self._passed_on(scope)
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

    def _passed_on(self, scope: Scope) -> dict[int, str]:
        """Return id of column -> name that it is passed on by, for what `*` brought along."""
        if not isinstance(scope.expression, exp.Select):
            return {}
        found = {}
        for projection in scope.expression.selects:
            column = projection.unalias()
            if isinstance(column, exp.Column) and not column.meta.get(NAMED):
                found[id(column)] = projection.alias_or_name.lower()
        return found

    def _stars(self, scope: Scope) -> list[str]:
        """Return the tables whose `*` stands, "" for that of all of them."""
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
    """Return the columns marked as ones that may be of another table."""
    return {c if c.startswith((PERHAPS, ALL)) else f"{PERHAPS}{c}" for c in columns}


def certain(columns: Iterable[str]) -> set[str]:
    """Return the columns that are of this table and no other."""
    return {column for column in columns if not column.startswith((PERHAPS, ALL))}
