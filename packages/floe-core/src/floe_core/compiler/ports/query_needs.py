"""Find what a query needs of its tables, from its scopes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from floe_core.compiler.ports.column_marks import (
    ALL,
    PERHAPS,
    WHOLE,
    certain,
    count_leading,
    inherited,
    leading,
    perhaps,
    without,
)
from floe_core.compiler.ports.query_shapes import (
    find_sorted_by,
    is_changed_by_more_columns,
    is_pattern,
    is_pivoted,
    table_of,
)

Columns = tuple[str, ...]

# What is noted at the nodes of a query, as it was written.
NAMED = "floe_named"
IS_BARE = "floe_is_bare"
# Columns that the stars of a query leave out or replace, and that must exist for that.
LEFT_OUT = "floe_left_out"
# The aliases in a SELECT, and those that it reads itself.
ALIASES = "floe_aliases"
READ_ALIASES = "floe_read_aliases"
IS_NATURAL = "floe_is_natural"
# How many columns of a subquery get other names by position, as in `with c(k, l) as (...)`.
BY_POSITION = "floe_by_position"

# Columns that a table has without being listed among its columns.
HIDDEN = frozenset(
    {
        *("rowid", "_rowid_", "oid", "ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"),
        *("filename", "file_row_number", "_metadata", "metadata$filename", "metadata$row_id"),
        *("metadata$action", "metadata$isupdate", "metadata$file_row_number"),
    }
)


def new_names(table: exp.Table) -> list[str]:
    """Return the names that a query gives the first columns of a table, as in `port as p(a, b)`."""
    alias = table.args.get("alias")
    return [each.name.lower() for each in alias.args.get("columns") or ()] if alias else []


@dataclass
class QueryNeeds:
    """Reads the scopes of one query; `tables` holds its tables with known columns."""

    scopes: tuple[Scope, ...]
    tables: Mapping[str, Columns]
    _of_scope: dict[int, set[str]] = field(default_factory=dict)
    _of_table: dict[str, set[str]] = field(default_factory=dict)

    def find_needed(self, outputs: set[str]) -> dict[str, set[str]]:
        """Return table -> what is needed of it, given what is needed of the query."""
        self._of_scope[id(self.scopes[-1])] = outputs
        # traverse_scope yields inner scopes before outer ones.
        for scope in reversed(self.scopes):
            self._read(scope, self._of_scope.get(id(scope), set()))
        return self._of_table

    @cached_property
    def _aliases(self) -> set[str]:
        return {name for scope in self.scopes for name in scope.sources}

    def _read(self, scope: Scope, outputs: set[str]) -> None:
        self._read_inner(scope, outputs)
        if is_changed_by_more_columns(scope.expression):
            outputs = {*outputs, WHOLE}
        outputs = outputs | find_sorted_by(scope.expression)
        passed = self._find_passed_on(scope)
        for column in scope.columns:
            if id(column) in passed:
                self._pass_on(scope, column, passed[id(column)], outputs)
            else:
                self._need(scope, column)
        self._read_left_out(scope)
        self._read_unlisted(scope)
        self._read_renamed(scope)
        stars = self._stars(scope)
        for star in stars:
            of = [star] if star else list(scope.selected_sources)
            for name in of:
                self._need_of(scope, name, outputs if len(of) == 1 else perhaps(outputs))
        self._keep_names_apart(scope, outputs, stars)

    def _read_inner(self, scope: Scope, outputs: set[str]) -> None:
        """Note what a scope needs of the queries inside it, other than those it reads as tables."""
        branches = scope.set_operation_scopes
        is_by_name = bool(scope.expression.args.get("by_name"))
        is_renamed = any(child.expression.meta.get(BY_POSITION) for child in branches)
        is_all = is_by_name and not is_renamed and not scope.expression.args.get("distinct")
        shape = set() if is_all else {WHOLE}
        for child, other in zip(branches, reversed(branches), strict=True):
            # Positions count in both branches; the first one also gives the columns their names.
            names = outputs if child is branches[0] else set()
            if is_by_name:
                names = perhaps(outputs) | {without(name) for name in self._columns_of(other)}
            self._add_scope(child, names | shape)
        for child in scope.subquery_scopes:
            is_exists = isinstance(child.expression.parent, exp.Exists)
            self._add_scope(child, set() if is_exists else {WHOLE})

    def _pass_on(
        self, scope: Scope, column: exp.Column, place: tuple[str, int], outputs: set[str]
    ) -> None:
        """Note the need of a column that comes from a `*`, if a reader of the scope needs it."""
        name, position = place
        source = scope.sources.get(column.table)
        if isinstance(source, exp.Table) and column.name.lower() in new_names(source):
            # The name remains if the column is dropped, and gets the values of another one.
            self._need(scope, column)
        renamed = scope.expression.meta.get(BY_POSITION, 0)
        if position < max(renamed, count_leading(outputs)):
            self._need_position(scope, column)
        if position < renamed:
            return
        if name in outputs or ALL in outputs:
            self._need(scope, column)
        elif f"{PERHAPS}{name}" in outputs:
            self._need(scope, column, PERHAPS)

    def _need_position(self, scope: Scope, column: exp.Column) -> None:
        columns = self._columns_of(scope.sources.get(column.table))
        name = column.name.lower()
        if name in columns:
            self._need_of(scope, column.table, {leading(columns.index(name) + 1)})
        else:
            self._need(scope, column)

    def _columns_of(self, source: object) -> Columns:
        if isinstance(source, exp.Table):
            columns = self.tables.get(source.name.lower(), ())
            names = new_names(source)
            return (*names, *columns[len(names) :])
        if isinstance(source, Scope) and isinstance(source.expression, exp.Query):
            if source.expression.args.get("by_name"):
                branches = map(self._columns_of, source.set_operation_scopes)
                return tuple(dict.fromkeys(name for found in branches for name in found))
            return tuple(name.lower() for name in source.expression.named_selects)
        return ()

    def _read_left_out(self, scope: Scope) -> None:
        for table, name in scope.expression.meta.get(LEFT_OUT, ()):
            sources = [table] if table else list(scope.selected_sources)
            mark = PERHAPS if len(sources) > 1 else ""
            for source in sources:
                self._need_of(scope, source, {f"{mark}{name}"})

    def _read_unlisted(self, scope: Scope) -> None:
        """Note the need of columns that the scope does not list: whole rows, COLUMNS(...), `#2`."""
        for found in scope.find_all(exp.TableColumn, exp.Columns, exp.PositionalColumn, exp.Star):
            if isinstance(found, exp.Star) and not is_pattern(found):
                continue
            named = found.name if isinstance(found, exp.TableColumn) else table_of(found)
            for name in [named] if named in scope.sources else list(scope.selected_sources):
                self._need_of(scope, name, {ALL, WHOLE})

    def _read_renamed(self, scope: Scope) -> None:
        for source in scope.sources.values():
            if not isinstance(source, exp.Table):
                continue
            table, names = source.name.lower(), new_names(source)
            if names and len(names) >= len(self.tables.get(table, ())):
                self._of_table.setdefault(table, set()).add(leading(len(names)))

    def _find_passed_on(self, scope: Scope) -> dict[int, tuple[str, int]]:
        """Return id of column -> (name, position) in the select list, for columns from a `*`.

        If another column has the same name, a warehouse may rename one, so neither is passed on.
        """
        if not isinstance(scope.expression, exp.Select):
            return {}
        found = {}
        names = [each.alias_or_name.lower() for each in scope.expression.selects]
        for position, projection in enumerate(scope.expression.selects):
            column, name = projection.unalias(), names[position]
            is_from_star = isinstance(column, exp.Column) and not column.meta.get(NAMED)
            if is_from_star and names.count(name) == 1:
                found[id(column)] = name, position
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
                found.append(projection.table if projection.table in self._aliases else "")
        return found

    def _keep_names_apart(self, scope: Scope, outputs: set[str], stars: list[str]) -> None:
        """Note the names that no new column of a table may have."""
        tables = list(scope.selected_sources)
        for column in scope.columns:
            if column.meta.get(IS_BARE):
                for name in tables:
                    if name != column.table:
                        self._need_of(scope, name, {without(column.name.lower())})
        for alias in scope.expression.meta.get(READ_ALIASES, ()):
            for name in tables:
                self._need_of(scope, name, {without(alias)})
        if scope.expression.meta.get(IS_NATURAL):
            self._keep_from(scope, {name: self._columns_of(scope.sources[name]) for name in tables})
        self._keep_from_stars(scope, outputs, stars)

    def _keep_from_stars(self, scope: Scope, outputs: set[str], stars: list[str]) -> None:
        if not isinstance(scope.expression, exp.Select):
            return
        given: dict[str, list[str]] = {name: [] for name in (stars if "" not in stars else ())}
        given |= {name: [] for name in scope.selected_sources if "" in stars}
        own: list[str] = []
        for projection in scope.expression.selects:
            value, name = projection.unalias(), projection.alias_or_name.lower()
            if isinstance(value, exp.Column) and not value.meta.get(NAMED):
                if not isinstance(value.this, exp.Star):
                    given.setdefault(value.table, []).append(name)
            elif not isinstance(value, exp.Star):
                own.append(name)
        for table in given:
            self._need_of(scope, table, inherited(outputs) | {without(name) for name in own})
        self._keep_from(scope, given)

    def _keep_from(self, scope: Scope, columns: Mapping[str, list[str] | Columns]) -> None:
        """Note that no table may get a column of another one."""
        for table in columns:
            others = {name for other, found in columns.items() if other != table for name in found}
            self._need_of(scope, table, {without(name) for name in others})

    def _need(self, scope: Scope, column: exp.Column, mark: str = "") -> None:
        if isinstance(column.this, exp.Star):
            return
        name = column.name.lower()
        mark = PERHAPS if name in HIDDEN else mark
        if column.table in self._aliases:
            return self._need_of(scope, column.table, {f"{mark}{name}"})
        # The name before the dot, if any, is that of a column with fields, or of the dbt model.
        names = {f"{PERHAPS}{each}" for each in (name, column.table.lower()) if each}
        for table in scope.selected_sources:
            self._need_of(scope, table, names)

    def _need_of(self, scope: Scope, name: str, columns: set[str]) -> None:
        source = scope.sources.get(name)
        needed = {ALL, WHOLE} if is_pivoted(source) else columns
        if isinstance(source, exp.Table):
            of_table = self._of_table.setdefault(source.name.lower(), set())
            of_table |= set(_by_position(needed, new_names(source)))
        elif isinstance(source, Scope):
            self._add_scope(source, needed)

    def _add_scope(self, scope: Scope, columns: set[str]) -> None:
        self._of_scope.setdefault(id(scope), set()).update(columns)


def _by_position(columns: Iterable[str], new: Sequence[str]) -> Iterator[str]:
    """Yield what is needed of a table whose first columns have new names in a query."""
    for column in columns:
        name = column.removeprefix(PERHAPS)
        if name in new:
            yield leading(new.index(name) + 1)
        else:
            yield column
            if new and (column in certain(columns) or name != column):
                # A column that moves to the front would get a new name.
                yield leading(len(new))
