"""Parse a query with sqlglot, in the dialect of a warehouse."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

if TYPE_CHECKING:
    from sqlglot.dialects.dialect import Dialect


def parse_query(sql: str, dialect: str) -> exp.Expr:
    """Return the syntax tree of one statement.

    Raises:
        SqlglotError: It cannot be parsed.
        RecursionError: It is nested too deeply.
    """
    return sqlglot.parse_one(sql, dialect=_duckdb() if dialect == "duckdb" else dialect)


@cache
def _duckdb() -> type[Dialect]:
    """Return DuckDB's dialect, in which `reduce(list, lambda)` is a call like any other.

    sqlglot takes it for a function of other warehouses, which has more arguments.
    """
    from sqlglot.dialects.duckdb import DuckDB
    from sqlglot.parsers.duckdb import DuckDBParser

    class OwnParser(DuckDBParser):
        FUNCTIONS = {k: v for k, v in DuckDBParser.FUNCTIONS.items() if k != "REDUCE"}

    class OwnDuckDB(DuckDB):
        Parser = OwnParser

    return OwnDuckDB
