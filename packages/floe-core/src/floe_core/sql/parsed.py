"""Parse a query with sqlglot, in the dialect of a warehouse."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlglot
from sqlglot import exp

_ONE_AT_A_TIME = threading.Lock()


def parse_query(sql: str, dialect: str) -> exp.Expr:
    """Return the syntax tree of one statement.

    Raises:
        SqlglotError: It cannot be parsed.
        RecursionError: It is nested too deeply.
    """
    if dialect != "duckdb":
        return sqlglot.parse_one(sql, dialect=dialect)
    with _reduce_as_any_call():
        return sqlglot.parse_one(sql, dialect=dialect)


@contextmanager
def _reduce_as_any_call() -> Iterator[None]:
    """Let DuckDB's `reduce(list, lambda)` be a call like any other inside the block.

    sqlglot takes it for a function of other warehouses, which has more arguments. A parser of our
    own could not replace its parser where that is compiled, as with `sqlglot[rs]`.
    """
    from sqlglot.parsers.duckdb import DuckDBParser

    functions = DuckDBParser.FUNCTIONS
    with _ONE_AT_A_TIME:
        taken = functions.pop("REDUCE", None)
        try:
            yield
        finally:
            if taken is not None:
                functions["REDUCE"] = taken
