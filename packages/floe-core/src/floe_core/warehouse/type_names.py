"""Compare names of types, as warehouses spell them."""

from __future__ import annotations

from functools import cache

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


@cache
def logical_type(kind: str, adapter: str) -> str:
    """Return the type that the Open Data Contract Standard has for a type, "" if it has none.

    >>> logical_type("VARCHAR(10)", "duckdb"), logical_type("bigint", "postgres")
    ('string', 'integer')
    >>> logical_type("DECIMAL(18, 2)", "duckdb"), logical_type("timestamptz", "postgres")
    ('number', 'timestamp')
    """
    try:
        found = exp.DataType.build(kind, dialect=adapter)
    except (sqlglot.errors.SqlglotError, ValueError):
        return ""
    kinds = {
        "boolean": (exp.DataType.Type.BOOLEAN,),
        "integer": exp.DataType.INTEGER_TYPES,
        "number": exp.DataType.NUMERIC_TYPES,
        "string": exp.DataType.TEXT_TYPES,
        "date": (exp.DataType.Type.DATE, exp.DataType.Type.DATE32),
        "time": (exp.DataType.Type.TIME, exp.DataType.Type.TIMETZ),
        "timestamp": exp.DataType.TEMPORAL_TYPES,
        "array": (exp.DataType.Type.ARRAY, exp.DataType.Type.LIST),
        "object": (exp.DataType.Type.STRUCT, exp.DataType.Type.MAP, exp.DataType.Type.JSON),
    }
    return next((name for name, among in kinds.items() if found.this in among), "")
