"""Find the origins of an expression's value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from sqlglot import exp

from floe_core.sql.columns.column_names import SELECTED, select_names
from floe_core.sql.columns.origins import (
    AGGREGATION,
    IDENTITY,
    NOTHING,
    TRANSFORMATION,
    UNKNOWN,
    Origins,
    apply_step,
    as_indirect,
    merge,
)
from floe_core.sql.columns.relation import NO_VALUE, Field, Relation
from floe_core.sql.columns.scope import Scope
from floe_core.sql.columns.values import PICKING, ValueReader

QueryReader = Callable[[exp.Expr, Scope], Relation]

# Read by the members of structs; the value of any other expression comes from all its parts.
_BY_MEMBERS = (
    *(exp.Column, exp.Struct, exp.Dot, exp.Bracket, exp.StructExtract),
    *(exp.ToMap, exp.JSONObject, exp.JSONExtract, exp.JSONExtractScalar, exp.Case, exp.If),
    *(exp.ArgMax, exp.ArgMin, exp.Subquery, exp.Select, exp.Union, exp.Except, exp.Intersect),
)


class ExpressionReader:
    """Reads expressions; `query` reads the queries in them."""

    def __init__(self, query: QueryReader) -> None:
        self._query = query
        self._values = ValueReader(self.origins, self.frame, query)
        self._readers: dict[type[exp.Expr], Callable[[exp.Expr, Scope], Origins]] = {
            **dict.fromkeys(_BY_MEMBERS, lambda each, scope: self.value(each, scope).origins),
            exp.Window: self._window,
            exp.Filter: self._filter,
            exp.Order: self._order,
            exp.WithinGroup: self._within_group,
            exp.In: self._in,
            exp.Exists: self._exists,
            exp.Comprehension: self._comprehension,
            **dict.fromkeys((exp.Columns, exp.Star, exp.PositionalColumn), self._unlisted),
            exp.Count: self._count,
            exp.Grouping: self._grouping,
        }

    def origins(self, expression: exp.Expr | None, scope: Scope) -> Origins:
        """Return the origins of an expression's value, none for a missing expression."""
        if expression is None:
            return NOTHING
        reader = self._readers.get(type(expression))
        return reader(expression, scope) if reader else self._plain(expression, scope)

    def value(self, expression: exp.Expr | None, scope: Scope) -> Field:
        """Return an expression's value with its known members; no value if it is missing."""
        return NO_VALUE if expression is None else self._values.value(expression, scope)

    def all_origins(self, expressions: Iterable[exp.Expr], scope: Scope) -> Origins:
        """Return the merged origins of several values."""
        return merge(self.origins(each, scope) for each in expressions)

    def _plain(self, expression: exp.Expr, scope: Scope) -> Origins:
        inner = self.all_origins(expression.iter_expressions(), scope)
        return apply_step(inner, _subtype(expression))

    @staticmethod
    def _unlisted(expression: exp.Expr, scope: Scope) -> Origins:
        """Read what may be any columns: COLUMNS(...), `#2`, or a `*` in an expression."""
        scope.notes.mark_read(*expression.find_all(exp.Column))
        if isinstance(expression, exp.Columns) and SELECTED in scope.parameters:
            return scope.use(scope.parameters[SELECTED]).origins
        for source in scope.sources.values():
            scope.use_rows(source)
        fields = [field for source in scope.sources.values() for field in source.fields]
        names = select_names(expression, (each.name for each in fields)) or {}
        is_unsure = scope.merged or any(each.is_star for each in expression.find_all(exp.Column))
        return merge(each.origins for each in fields if each.name in names and not is_unsure)

    def _grouping(self, grouping: exp.Expr, scope: Scope) -> Origins:
        """Read GROUPING: it tells which grouping a row belongs to, whatever the column holds."""
        self._plain(grouping, scope)
        return NOTHING

    def _window(self, window: exp.Expr, scope: Scope) -> Origins:
        function = window.this
        value = self.origins(function, scope)
        if isinstance(function, exp.IgnoreNulls | exp.RespectNulls):
            function = function.this
        if isinstance(function, PICKING):
            value = self.all_origins(function.iter_expressions(), scope)
            value = apply_step(value, TRANSFORMATION)
        return merge([value, self.frame(window, scope)])

    def frame(self, window: exp.Expr, scope: Scope) -> Origins:
        """Return the origins of the expressions that partition and order a window."""
        alias = window.args.get("alias")
        key = scope.identifiers.key(scope.identifiers.spell(alias)) if alias else ""
        by = [*(window.args.get("partition_by") or ()), window.args.get("order")]
        found = merge(self.origins(each, scope) for each in by)
        return merge([as_indirect(found, "WINDOW"), scope.windows.get(key, NOTHING)])

    def _filter(self, filtered: exp.Expr, scope: Scope) -> Origins:
        condition = self.origins(filtered.expression.this, scope)
        return merge([self.origins(filtered.this, scope), as_indirect(condition, "CONDITIONAL")])

    def _order(self, order: exp.Expr, scope: Scope) -> Origins:
        """Read the order of an aggregate's rows, or of a window's."""
        by = self.all_origins((each.this for each in order.expressions), scope)
        return merge([self.origins(order.this, scope), as_indirect(by, "SORT")])

    def _within_group(self, group: exp.Expr, scope: Scope) -> Origins:
        """Read WITHIN GROUP: the value of an ordered-set aggregate is what it orders by."""
        by = self.all_origins((each.this for each in group.expression.expressions), scope)
        ordered_set = isinstance(group.this, exp.PercentileCont | exp.PercentileDisc | exp.Mode)
        value = apply_step(by, AGGREGATION) if ordered_set else as_indirect(by, "SORT")
        return merge([self.origins(group.this, scope), value])

    def _count(self, count: exp.Expr, scope: Scope) -> Origins:
        counted = count.this
        if counted is not None and counted.is_star:
            scope.notes.mark_read(counted)
            return NOTHING
        # A whole row is never null, so the count does not depend on its columns.
        is_row = isinstance(counted, exp.Column) and scope.is_row(counted)
        origins = self._plain(count, scope)
        return NOTHING if is_row else origins

    def _in(self, membership: exp.Expr, scope: Scope) -> Origins:
        query = membership.args.get("query")
        lists = [membership.args.get(name) for name in ("unnest", "field")]
        values = [membership.this, *membership.expressions, *lists]
        value = merge(self.origins(each, scope) for each in values)
        return merge([apply_step(value, TRANSFORMATION), self._membership_query(query, scope)])

    def _exists(self, exists: exp.Expr, scope: Scope) -> Origins:
        """Read EXISTS: its query's select list and order do not affect whether it has rows."""
        if exists.this.args.get("order"):
            # It must be possible to order by it.
            self._query(exists.this, scope.inside())
        relation = self._query(_without_what_is_selected(exists.this), scope.inside())
        return as_indirect(relation.effects, "CONDITIONAL")

    def _membership_query(self, query: exp.Expr | None, scope: Scope) -> Origins:
        """Return the origins of the query in `value IN (query)`, as a condition."""
        if query is None:
            return NOTHING
        relation = self._query(query, scope.inside())
        scope.notes.need(relation.whole())
        scope.notes.use(relation.made_of())
        fields = (field.origins for field in relation.fields)
        return as_indirect(merge([*fields, relation.effects]), "CONDITIONAL")

    def _comprehension(self, comprehension: exp.Expr, scope: Scope) -> Origins:
        variable = scope.identifiers.key(scope.identifiers.spell(comprehension.expression))
        inner = replace(scope, parameters={**scope.parameters, variable: NO_VALUE})
        condition = self.origins(comprehension.args.get("condition"), inner)
        values = [self.origins(comprehension.this, inner)]
        values.append(self.origins(comprehension.args.get("iterator"), scope))
        return merge(
            [apply_step(merge(values), TRANSFORMATION), as_indirect(condition, "CONDITIONAL")]
        )


# Functions of a single row that sqlglot does not know; see also `parse_query`.
_SCALAR = frozenset({"reduce", "list_reduce"})


def _subtype(expression: exp.Expr) -> str:
    if isinstance(expression, exp.AggFunc):
        return AGGREGATION
    if isinstance(expression, exp.Anonymous) and expression.name.lower() not in _SCALAR:
        return UNKNOWN  # it may be an aggregate that sqlglot does not know
    return IDENTITY if isinstance(expression, exp.Paren | exp.Alias) else TRANSFORMATION


def _without_what_is_selected(query: exp.Expr) -> exp.Expr:
    """Return the query without ORDER BY and DISTINCT: it has rows if and only if this one does."""
    query = query.copy()
    for each in query.find_all(exp.Select) if isinstance(query, exp.Union) else [query]:
        each.set("order", None)
        each.set("distinct", None)
    query.set("distinct", None)
    return query
