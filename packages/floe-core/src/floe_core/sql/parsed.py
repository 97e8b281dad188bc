"""Parse a query with sqlglot, in the dialect of a warehouse."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import sqlglot
from sqlglot import exp

_ONE_AT_A_TIME = threading.Lock()
# Here, `f(a -> 'b')` reads a member of JSON; on DuckDB, `f(a -> a + 1)` has a lambda.
_WITH_ARROWS = ("duckdb", "postgres", "sqlite")
_WRITING = (exp.Insert, exp.Update, exp.Delete, exp.Merge)


def parse_query(sql: str, dialect: str) -> exp.Expr:
    """Return the syntax tree of one statement.

    Raises:
        SqlglotError: It cannot be parsed.
        RecursionError: It is nested too deeply.
    """
    with _reduce_as_any_call() if dialect == "duckdb" else nullcontext():
        query = sqlglot.parse_one(sql, dialect=dialect)
    for each in query.find_all(exp.Lambda) if dialect in _WITH_ARROWS else ():
        used = {name.name for name in each.this.find_all(exp.Identifier)}
        if dialect != "duckdb" or not used & {name.name for name in each.expressions}:
            each.set("expressions", [exp.Column(this=name) for name in each.expressions])
    return query


def is_cte(table: exp.Table) -> bool:
    """Return whether a table in a query is surely a CTE in whose scope it stands.

    It is none inside of the CTE's own definition, with a schema, or if it is written to.
    """
    is_target = table.arg_key == "this" and isinstance(table.parent, (exp.Schema, *_WRITING))
    if table.args.get("db") or is_target:
        return False
    return any(_is_named_alike(table.this, cte.args["alias"].this) for cte in _ctes_around(table))


def _ctes_around(node: exp.Expr) -> Iterator[exp.Expr]:
    inside, around = node, node.parent
    while around is not None:
        if isinstance(around, exp.With):
            ctes = around.expressions
            yield from ctes if around.args.get("recursive") else ctes[: inside.index or 0]
        elif (with_ := around.args.get("with_")) is not None and with_ is not inside:
            yield from with_.expressions
        inside, around = around, around.parent


def _is_named_alike(one: exp.Expr, other: exp.Expr) -> bool:
    has_quotes = one.args.get("quoted") or other.args.get("quoted")
    return one.name == other.name or (not has_quotes and one.name.lower() == other.name.lower())


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
