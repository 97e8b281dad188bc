"""Find out whether a query's result may depend on the order of its inputs' rows.

Ties are ignored: a query that orders its rows is assumed to order all of them.

SQLite takes their value from any row of the group, or, with a single `max()` or `min()`, from the
row with that value (sqlite.org/lang_select.html#bareagg). So it depends on columns that the
expression does not name, and on the order of rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

# Aggregates whose result does not depend on the order of the rows.
_OF_SETS = (
    *(exp.Sum, exp.Count, exp.Min, exp.Max, exp.Avg, exp.CountIf, exp.LogicalAnd, exp.LogicalOr),
    *(exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop, exp.Median),
    *(exp.ApproxDistinct, exp.Corr, exp.CovarPop, exp.CovarSamp),
)
# Functions that sqlglot does not know and whose results keep the order of the rows.
_KEEPING = re.compile(
    r"agg|^collect_|^jsonb?_group_|^(first|last|list|any_value|arbitrary|mode|group_concat|listagg|histogram)$|^arg_|_by$"
)


def goes_by_row_order(query: exp.Expr) -> bool:
    """Return whether the order of its inputs' rows may affect a query's result."""
    return any(_goes_by_order(node) for node in query.walk())


def _goes_by_order(node: exp.Expr) -> bool:
    if isinstance(node, exp.Limit | exp.Offset | exp.Fetch):
        return not _is_ordered(node.parent)
    if isinstance(node, exp.Distinct) and node.args.get("on"):
        return not _is_ordered(node.parent)
    if isinstance(node, exp.Window):
        is_of_set = isinstance(node.this, _OF_SETS) and not node.args.get("spec")
        return not (node.args.get("order") or is_of_set)
    if isinstance(node, exp.Join):
        return str(node.args.get("method") or "").upper() == "POSITIONAL"
    if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
        return bool(_KEEPING.search(str(node.name).lower())) and not _is_ordered_within(node)
    if isinstance(node, exp.AggFunc) and not isinstance(node, _OF_SETS):
        return not (isinstance(node.parent, exp.Window) or _is_ordered_within(node))
    return False


def _is_ordered(query: exp.Expr | None) -> bool:
    return query is not None and bool(query.args.get("order"))


def _is_ordered_within(function: exp.Expr) -> bool:
    """Return whether an aggregate orders its rows: `f(x order by y)`, `within group (...)`."""
    return isinstance(function.parent, exp.WithinGroup) or bool(function.find(exp.Order))


# SQLite's aggregates that sqlglot does not recognize.
_UNKNOWN = frozenset(
    {
        *("json_group_array", "json_group_object", "jsonb_group_array", "jsonb_group_object"),
        *("median", "percentile", "percentile_cont", "percentile_disc", "string_agg", "total"),
    }
)


def has_bare_columns(query: exp.Expr) -> bool:
    """Return whether any part of a query may have such a column."""
    return any(_has_bare(select) for select in query.find_all(exp.Select))


def _has_bare(select: exp.Select) -> bool:
    group = select.args.get("group")
    calls = (call for each in select.expressions for call in each.find_all(exp.Func))
    if group is None and not any(map(_is_aggregate, calls)):
        return False
    keys = {_text(_key(select, each)) for each in (group.expressions if group else ())}
    return any(_is_bare(column, keys) for column in _columns(select))


def _key(select: exp.Select, grouped: exp.Expr) -> exp.Expr:
    """Return the grouped expression, resolving a position or the name of a selected column."""
    if isinstance(grouped, exp.Literal) and grouped.this.isdigit():
        place = int(grouped.this) - 1
        if place < len(select.expressions):
            found: exp.Expr = select.expressions[place].unalias()
            return found
    return grouped


def _columns(select: exp.Select) -> Iterator[exp.Column]:
    """Yield the columns in expressions for each group; `order by` may name selected columns."""
    listed = {each.alias.lower() for each in select.expressions if each.alias}
    for part in [*select.expressions, select.args.get("having")]:
        yield from part.find_all(exp.Column) if part else ()
    if order := select.args.get("order"):
        columns = order.find_all(exp.Column)
        yield from (c for c in columns if c.table or c.name.lower() not in listed)


def _is_bare(column: exp.Column, keys: set[str]) -> bool:
    """Return whether a column is inside neither an aggregate nor a grouped expression."""
    node: exp.Expr | None = column
    while node is not None and not isinstance(node, exp.Select):
        if _text(node) in keys or _is_aggregate(node):
            return False
        node = node.parent
    return True


def _is_aggregate(node: exp.Expr) -> bool:
    """Return whether it is an aggregate that is not used as a window function."""
    is_named = isinstance(node, exp.Anonymous) and str(node.name).lower() in _UNKNOWN
    is_of_set = isinstance(node, exp.AggFunc) or is_named
    return is_of_set and not isinstance(node.parent, exp.Window)


def _text(expression: exp.Expr) -> str:
    return expression.sql(comments=False).lower()
