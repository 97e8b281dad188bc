"""Compare names of types, as warehouses spell them."""

from __future__ import annotations

import sqlglot
from sqlglot import exp


def same_type(one: str, other: str, dialect: str) -> bool:
    """Return whether two type names mean the same type in a warehouse, given its dbt adapter.

    >>> same_type("int", "INTEGER", "postgres"), same_type("text", "integer", "postgres")
    (True, False)
    """
    try:
        types = [exp.DataType.build(kind, dialect=dialect or None) for kind in (one, other)]
    except (sqlglot.errors.SqlglotError, ValueError):
        return one.strip().lower() == other.strip().lower()
    return types[0] == types[1]
