"""Find out whether a selected expression has an aggregate of its query's own rows."""

from __future__ import annotations

from sqlglot import exp


def adds_up(selected: exp.Expr) -> bool | None:
    """Return whether a selected expression has an aggregate of its query's own rows.

    None if that depends on what the names in a subquery mean: an aggregate there is of the query
    around it if all of its columns are.
    """
    found = {_is_of_rows(each, selected) for each in selected.find_all(exp.AggFunc)}
    return True if True in found else (None if None in found else False)


def _is_of_rows(aggregate: exp.Expr, selected: exp.Expr) -> bool | None:
    inner: set[str] = set()
    is_inside = False
    node: exp.Expr | None = aggregate
    while node is not None and node is not selected:
        node = node.parent
        if isinstance(node, exp.Select):
            is_inside = True
            sources = [node.args.get("from_"), *(node.args.get("joins") or ())]
            inner |= {each.this.alias_or_name.lower() for each in sources if each is not None}
        elif isinstance(node, exp.Window) and not is_inside and _is_function_of(node, aggregate):
            return False
    if not is_inside:
        return True
    columns = list(aggregate.find_all(exp.Column))
    is_own = not columns or any(column.table.lower() in inner for column in columns)
    return False if is_own else None


def _is_function_of(window: exp.Window, aggregate: exp.Expr) -> bool:
    function = window.this
    while isinstance(function, exp.Filter | exp.IgnoreNulls | exp.RespectNulls | exp.WithinGroup):
        function = function.this
    return function is aggregate
