"""Find out whether an incremental query, run again over its own result, would change it."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError

from floe_core.reuse.catalogs.known import catalog_of
from floe_core.reuse.queries.analysis import Input, InputNames
from floe_core.sql.parsed import parse_query

_OTHER_ROWS = (
    *(exp.AggFunc, exp.Window, exp.Group, exp.Distinct, exp.Limit, exp.Offset, exp.Qualify),
    *(exp.Anonymous, exp.Unnest, exp.Explode),
)


def repeats(sql: str, dialect: str, itself: Input, *, overwrites: bool) -> bool:
    """Return whether a second build with the same inputs is known to change nothing.

    If dbt `overwrites` all that the query returns again, a query that does not read its own result
    changes nothing. Otherwise it may only return no rows, as it compares a column with the highest
    value that it has there: `where at > (select max(at) from own)`. A unique key is no proof: rows
    may share it, or have none.
    """
    try:
        query = parse_query(sql, dialect)
    except (SqlglotError, RecursionError):
        return False
    names = InputNames([itself], catalog_of(dialect).names)
    own = [table for table in query.find_all(exp.Table) if names.node_of(table)]
    if not own:
        return overwrites
    if overwrites or not isinstance(query, exp.Select):
        return False
    highest = own[0].find_ancestor(exp.Select)
    where = query.args.get("where")
    if len(own) > 1 or highest is None or where is None:
        return False
    condition = _condition(highest)
    if condition is None or not any(condition is each for each in _conjuncts(where.this)):
        return False
    newest, column = condition.this, _column_of_highest(highest)
    selected = [each.unalias() for each in query.selects if each.alias_or_name == column]
    condition.replace(exp.true())
    return selected == [newest] and not query.find(*_OTHER_ROWS)


def _condition(highest: exp.Select) -> exp.GT | None:
    """Return the comparison of a column with a subquery, None if the subquery stands elsewhere."""
    subquery = highest.parent
    around = subquery.parent if isinstance(subquery, exp.Subquery) else None
    if isinstance(around, exp.GT) and around.expression is subquery:
        return around if isinstance(around.this, exp.Column) else None
    return None


def _conjuncts(condition: exp.Expr) -> list[exp.Expr]:
    inner = condition.unnest()
    if isinstance(inner, exp.And):
        return [*_conjuncts(inner.left), *_conjuncts(inner.right)]
    return [inner]


def _column_of_highest(select: exp.Select) -> str:
    """Return the column of `select max(column) from own`, "" for any other query."""
    parts = {name for name, value in select.args.items() if value}
    if parts - {"expressions", "from", "from_", "kind"} or len(select.selects) != 1:
        return ""
    value = select.selects[0].unalias()
    if isinstance(value, exp.Coalesce) and all(
        isinstance(each, exp.Literal) for each in value.expressions
    ):
        value = value.this
    is_plain = isinstance(value, exp.Max) and isinstance(value.this, exp.Column)
    return str(value.this.name) if is_plain else ""
