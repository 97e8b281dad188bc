"""Tell how a query uses the columns of its tables, from its syntax tree."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.optimizer.scope import Scope


def is_pivoted(source: object) -> bool:
    """Return whether a source of a query is pivoted, or unpivoted."""
    expression = source.expression.parent if isinstance(source, Scope) else source
    return isinstance(expression, exp.Table | exp.Subquery) and bool(expression.args.get("pivots"))


def is_changed_by_more_columns(query: exp.Expr) -> bool:
    """Return whether each column of a query decides which rows it returns."""
    distinct, group = query.args.get("distinct"), query.args.get("group")
    is_distinct = isinstance(distinct, exp.Distinct) and not distinct.args.get("on")
    return is_distinct or (group is not None and bool(group.args.get("all")))


def find_sorted_by(query: exp.Expr) -> set[str]:
    """Return the names in ORDER BY, HAVING and QUALIFY that may be those of the query's columns."""
    parts = [query.args[key] for key in ("order", "having", "qualify") if query.args.get(key)]
    columns = [column for part in parts for column in part.find_all(exp.Column)]
    return {column.name.lower() for column in columns if not column.table}


def is_pattern(star: exp.Star) -> bool:
    """Return whether a star is part of an expression, as in `* LIKE 'a%'` or `hash(t.*)`."""
    around = star.parent.parent if isinstance(star.parent, exp.Column) else star.parent
    return not isinstance(around, exp.Select | exp.Count | None)


def table_of(found: exp.Expr) -> str:
    """Return the table whose columns an expression names together, "" if it names none."""
    return found.parent.table if isinstance(found.parent, exp.Column) else ""
