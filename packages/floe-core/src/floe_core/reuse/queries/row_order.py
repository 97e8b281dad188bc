"""Find out whether the order of its inputs' rows may change a query's result.

Ties are ignored: a query that orders its rows is assumed to order all of them.
"""

from __future__ import annotations

import re

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
