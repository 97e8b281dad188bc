"""Hash what each column of a query is made of, separately for each column.

Two queries with the same hashes for their rows and for some columns return the same values in these
columns, row by row, on equal inputs. In doubt, an error is raised; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp

from floe_core.reuse.queries.parts import Columns, Part, join_parts

Scope = Mapping[str, Columns]
_OF_SELECT = frozenset(
    {
        *("with_", "from_", "joins", "where", "group", "having", "qualify", "distinct", "order"),
        *("limit", "offset", "expressions"),
    }
)
_OF_SET = frozenset({"with_", "this", "expression", "distinct"})
_OF_TABLE = frozenset({"this", "alias"})
_OF_JOIN = frozenset({"this", "side", "kind", "on"})
_OF_SUBQUERY = frozenset({"this", "alias"})
# In a select list, these may change the number of rows.
_ROW_CHANGING = (exp.UDTF, exp.Explode, exp.Posexplode, exp.GenerateSeries, exp.Anonymous)
# Names of tables stand for all their columns, and some others for any columns.
_UNREAD = (exp.Table, exp.TableColumn, exp.Columns, exp.Star, exp.Lambda)
BARE = "floe_bare"
# An identifier's name as written, where names of other case mean the same but are not equal.
WRITTEN = "floe_written"


class UncertainError(ValueError):
    """A query that cannot be analyzed column by column with certainty."""


class QueryReader:
    """Reads qualified queries; `tables` are the inputs, by their names in the query."""

    def __init__(self, tables: Mapping[str, Columns]) -> None:
        self._tables = tables

    def read(self, query: exp.Expr, ctes: Scope, outer: Sequence[Scope] = ()) -> Columns:
        """Return the hashes of a query's rows and columns.

        Raises:
            UncertainError: The columns cannot be separated.
        """
        ctes = self._with_ctes(query, ctes, outer)
        if isinstance(query, exp.Select):
            return self._select(query, ctes, outer)
        if isinstance(query, exp.SetOperation):
            return self._set_operation(query, ctes, outer)
        if isinstance(query, exp.Subquery):
            _only(query, {"this", "with_"})
            return self.read(query.this, ctes, outer)
        raise UncertainError(type(query).__name__)

    def _with_ctes(self, query: exp.Expr, ctes: Scope, outer: Sequence[Scope]) -> Scope:
        with_ = query.args.get("with_")
        if with_ is None:
            return ctes
        if with_.args.get("recursive"):
            raise UncertainError("recursive")
        for cte in with_.expressions:
            if cte.args["alias"].args.get("columns"):
                raise UncertainError("column aliases")
            ctes = {**ctes, cte.alias: self.read(cte.this, ctes, outer)}
        return ctes

    def _set_operation(
        self, query: exp.SetOperation, ctes: Scope, outer: Sequence[Scope]
    ) -> Columns:
        _only(query, _OF_SET)
        left = self.read(query.this, ctes, outer)
        right = self.read(query.expression, ctes, outer)
        if len(left.columns) != len(right.columns):
            raise UncertainError("sides of different width")
        pairs = list(zip(left.columns.values(), right.columns.values(), strict=True))
        is_all = query.args.get("distinct") is False
        deciding = [] if is_all and isinstance(query, exp.Union) else pairs
        rows = join_parts(type(query).__name__, is_all, left.rows, right.rows, deciding)
        named = zip(left.columns, pairs, strict=True)
        return Columns(rows, {name: join_parts(rows, *pair) for name, pair in named})

    def _select(self, select: exp.Select, ctes: Scope, outer: Sequence[Scope]) -> Columns:
        _only(select, _OF_SELECT)
        sources, rows = self._sources(select, ctes, outer)
        _refuse_shadowing(select, sources)
        scopes = (sources, *outer)
        values = {
            each.alias_or_name: join_parts(
                _written(each), self._expression(each.unalias(), ctes, scopes)
            )
            for each in select.expressions
        }
        if len(values) != len(select.expressions) or "" in values:
            raise UncertainError("columns without a name of their own")
        clauses: list[object] = [
            [name, self._expression(select.args[name], ctes, scopes)]
            for name in ("where", "group", "having", "qualify", "limit", "offset")
            if select.args.get(name)
        ]
        if group := select.args.get("group"):
            _refuse_positions(group)
        if _groups_by_all(select):
            keys = (each for each in select.expressions if not _adds_up(each))
            clauses.append(["all", [values[each.alias_or_name] for each in keys]])
        if order := select.args.get("order"):
            # A column without a source at this point is one of this query's own.
            own = {"": Columns(rows, values)}
            clauses.append(["order", self._expression(order, ctes, (sources, own, *outer))])
            if order.find(exp.Var):  # Of `order by all`.
                clauses.append(list(values.values()))
        distinct = select.args.get("distinct")
        if distinct is not None and distinct.args.get("on"):
            raise UncertainError("distinct on")
        decides_all = distinct is not None or _has(select.expressions, _ROW_CHANGING)
        is_aggregated = any(map(_adds_up, select.expressions))
        deciding = [*values.values()] if decides_all else []
        rows = join_parts("select", rows, clauses, deciding, distinct is not None, is_aggregated)
        return Columns(rows, {name: join_parts(rows, value) for name, value in values.items()})

    def _sources(
        self, select: exp.Select, ctes: Scope, outer: Sequence[Scope]
    ) -> tuple[Scope, Part]:
        from_ = select.args.get("from_")
        if from_ is None:
            return {}, join_parts("no source")
        name, relation = self._source(from_.this, ctes, outer)
        sources, rows = {name: relation}, [join_parts("from", relation.rows)]
        for join in select.args.get("joins") or ():
            _only(join, _OF_JOIN)
            name, relation = self._source(join.this, ctes, outer)
            if name in sources:
                raise UncertainError("two sources of one name")
            sources[name] = relation
            on = join.args.get("on")
            condition = self._expression(on, ctes, (sources, *outer)) if on is not None else ""
            rows.append(join_parts(join.side, join.kind, relation.rows, condition))
        return sources, join_parts(*rows)

    def _source(self, source: exp.Expr, ctes: Scope, outer: Sequence[Scope]) -> tuple[str, Columns]:
        alias = source.args.get("alias")
        if alias is not None and alias.args.get("columns"):
            raise UncertainError("column aliases")
        if isinstance(source, exp.Subquery) and source.alias:
            _only(source, _OF_SUBQUERY)
            return source.alias, self.read(source.this, ctes, outer)
        if not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier):
            raise UncertainError(type(source).__name__)
        _only(source, _OF_TABLE)
        found = ctes.get(source.name) or self._tables.get(source.name)
        if found is None:
            raise UncertainError(f"table {source.name}")
        return source.alias_or_name, found

    def _expression(self, node: exp.Expr, ctes: Scope, scopes: Sequence[Scope]) -> Part:
        if isinstance(node, exp.Column):
            return _column(node, scopes)
        if isinstance(node, exp.Identifier):
            return join_parts("name", node.meta.get(WRITTEN, node.name))
        if isinstance(node, exp.Query):
            relation = self.read(node, ctes, scopes)
            return join_parts("query", relation.rows, list(relation.columns.values()))
        if isinstance(node, _UNREAD) and not _is_counted(node):
            raise UncertainError(type(node).__name__)
        arguments = [
            [name, self._value(value, ctes, scopes)]
            for name, value in sorted(node.args.items())
            if value is not None and value is not False and value != []
        ]
        return join_parts(type(node).__name__, arguments)

    def _value(self, value: Any, ctes: Scope, scopes: Sequence[Scope]) -> Any:
        if isinstance(value, exp.Expr):
            return self._expression(value, ctes, scopes)
        if isinstance(value, list):
            return [self._value(each, ctes, scopes) for each in value]
        return str(value)


def _written(projection: exp.Expr) -> str:
    """Return the name that a query gives to a column, as written; "" if it has another source."""
    name = projection.args.get("alias") or projection.this
    found = name.meta.get(WRITTEN) if isinstance(name, exp.Identifier) else None
    return found or (_written(projection.this) if isinstance(projection, exp.Alias) else "")


def _column(column: exp.Column, scopes: Sequence[Scope]) -> Part:
    if column.args.get("db") or isinstance(column.this, exp.Star):
        raise UncertainError(f"column {column.name}")
    for scope in scopes:
        if column.table in scope:
            found = scope[column.table].columns.get(column.name)
            if found is None:
                raise UncertainError(f"column {column.name}")
            return found
    raise UncertainError(f"table {column.table}")


def _only(node: exp.Expr, known: frozenset[str] | set[str]) -> None:
    """Refuse parts of a query that this module does not handle.

    Raises:
        UncertainError: There is such a part.
    """
    for name, value in node.args.items():
        if name not in known and value:
            raise UncertainError(f"{type(node).__name__} with {name}")


def _refuse_positions(group: exp.Expr) -> None:
    """Refuse the position of a selected column in `rollup`, `cube` or `grouping sets`.

    Raises:
        UncertainError: There is such a position; outside of these, it has been replaced.
    """
    within = (exp.Rollup, exp.Cube, exp.GroupingSets, exp.Tuple, exp.Paren)
    if any(isinstance(each.parent, within) for each in group.find_all(exp.Literal)):
        raise UncertainError("a position in grouping sets")


def _groups_by_all(select: exp.Select) -> bool:
    """Return whether a query groups by all selected expressions that are not aggregates."""
    group = select.args.get("group")
    return group is not None and bool(group.args.get("all"))


def _is_counted(node: exp.Expr) -> bool:
    return isinstance(node, exp.Star) and isinstance(node.parent, exp.Count)


def _adds_up(expression: exp.Expr) -> bool:
    """Return whether a selected expression has an aggregate of the query's own rows."""
    return any(_is_of_rows(each, expression) for each in expression.find_all(exp.AggFunc))


def _is_of_rows(aggregate: exp.Expr, selected: exp.Expr) -> bool:
    """Return whether an aggregate is of the query that selects it, and not of a window.

    In a subquery, it is if all of its columns are from outside of it.
    """
    inner = set[str]()
    node: exp.Expr | None = aggregate
    while node is not None and node is not selected:
        node = node.parent
        if isinstance(node, exp.Select):
            sources = [node.args.get("from_"), *(node.args.get("joins") or ())]
            inner |= {each.this.alias_or_name for each in sources if each is not None}
        elif isinstance(node, exp.Window) and not inner and _is_function_of(node, aggregate):
            return False
    read = {column.table for column in aggregate.find_all(exp.Column)}
    return not inner or bool(read and read.isdisjoint(inner))


def _is_function_of(window: exp.Window, aggregate: exp.Expr) -> bool:
    function = window.this
    while isinstance(function, exp.Filter | exp.IgnoreNulls | exp.RespectNulls | exp.WithinGroup):
        function = function.this
    return function is aggregate


def _has(expressions: Sequence[exp.Expr], kinds: tuple[type[exp.Expr], ...]) -> bool:
    return any(each.find(*kinds) is not None for each in expressions)


def _refuse_shadowing(select: exp.Select, sources: Scope) -> None:
    """Refuse a name that may mean a source's column or an alias of the query itself.

    Raises:
        UncertainError: There is such a name, and another part of the query uses it.
    """
    owned = {name for source in sources.values() for name in source.columns}
    shadowing = {
        each.alias: each
        for each in select.expressions
        if each.alias in owned and not _is_same_column(each)
    }
    if not shadowing:
        return
    for column in select.find_all(exp.Column):
        own = shadowing.get(column.name)
        if own is not None and column.meta.get(BARE) and not _is_inside(column, own):
            raise UncertainError(f"{column.name} may mean two things")


def _is_same_column(projection: exp.Expr) -> bool:
    value = projection.unalias()
    return isinstance(value, exp.Column) and value.name == projection.alias


def _is_inside(node: exp.Expr, of: exp.Expr) -> bool:
    parent: exp.Expr | None = node
    while parent is not None:
        if parent is of:
            return True
        parent = parent.parent
    return False
