"""Find out whether a query always returns the same result on the same inputs."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

from sqlglot import exp

from floe_core.reuse.catalogs.catalog import Catalog
from floe_core.reuse.queries.functions import Functions, called_names, function_calls
from floe_core.sql.names import PLACES, WORDS
from floe_core.sql.parsed import is_cte

# sqlglot's names of functions of the time, the session, random numbers, and files.
_VARYING = frozenset(
    {
        *("Localtime", "Localtimestamp", "Systimestamp", "UtcDate", "UtcTime", "UtcTimestamp"),
        *("Rand", "Randn", "Randstr", "Uuid", "Uniform", "Normal", "Zipf", "Shuffle", "Seq1"),
        *("Seq2", "Seq4", "Seq8", "NextValueFor", "SessionUser", "ReadCSV", "ReadParquet"),
        *("NetFunc", "ToFile"),
    }
)
_MOMENTS = frozenset({"now", "today", "tomorrow", "yesterday"})
_MAKING_ROWS = (exp.GenerateSeries, exp.Unnest, exp.Explode)
_OUTSIDE = (
    *(exp.TableSample, exp.Parameter, exp.SessionParameter, exp.Command, exp.Placeholder),
    exp.QueryTransform,
)

TableName = Callable[[exp.Table], str | None]


def find_varying(
    query: exp.Expr, input_of: TableName, steady_functions: Container[str], names: Container[str]
) -> str:
    """Return the first thing in a query that may vary although its inputs do not, "" for none.

    `input_of` returns the name of a table's node, None for a table that is not an input.
    `steady_functions` are the names of functions that, according to the warehouse, depend only on
    their arguments; any other that sqlglot does not know counts as varying. `names` are further
    words without parentheses that vary.
    """
    return next(_find_all_varying(query, input_of, steady_functions, names), "")


def find_varying_call(sql: str, dialect: str, catalog: Catalog, steady: Container[str]) -> str:
    """Return the first call in a query of a function not known to be steady, "" for none.

    Raises:
        sqlglot.errors.TokenError: The text can't be tokenized in that dialect.
    """
    for call in function_calls(sql, dialect):
        if call.is_placed or call.name not in steady or catalog.is_varying(call):
            return f"{call.name}()"
    return ""


def find_own_call(sql: str, dialect: str, functions: Functions) -> str:
    """Return the first user-defined function that a query may call, "" for none.

    Raises:
        sqlglot.errors.TokenError: The text can't be tokenized in that dialect.
    """
    if functions.implied:
        return f"{functions.implied}(), a user-defined function that SQL calls by itself"
    own = sorted(functions.own & called_names(sql, dialect)) if functions.own else []
    return f"{own[0].lstrip('.')}(), a user-defined function" if own else ""


def _find_all_varying(
    query: exp.Expr,
    input_of: TableName,
    steady: Container[str],
    names: Container[str],
) -> Iterator[str]:
    for node in query.walk():
        if isinstance(node, exp.Table):
            yield from _of_table(node, input_of)
        elif isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
            if str(node.name).lower() not in steady:
                yield f"{str(node.name).lower()}()"
        elif isinstance(node, exp.Func):
            kind = type(node).__name__
            if kind in _VARYING or kind.startswith("Current"):
                yield f"{node.sql_name().lower()}()"
        elif isinstance(node, _OUTSIDE):
            yield f"{type(node).__name__.lower()}"
        elif isinstance(node, exp.Column):
            name = node.name.lower()
            is_quoted = node.this.args.get("quoted")
            if name in PLACES or (name in WORDS and not is_quoted):
                yield name
            # Such as `_metadata`.file_path, where it is a struct.
            yield from (part.name.lower() for part in node.parts if part.name.lower() in names)
        elif isinstance(node, exp.Literal) and _is_moment(node):
            yield f"'{node.this}'"


def _is_moment(literal: exp.Literal) -> bool:
    """Return whether a cast turns a text into the time of the run, such as 'now'."""
    is_cast = isinstance(literal.parent, exp.Cast | exp.TsOrDsToDate | exp.StrToTime)
    return is_cast and literal.is_string and literal.this.strip().lower() in _MOMENTS


def _of_table(table: exp.Table, input_of: TableName) -> Iterator[str]:
    if isinstance(table.this, exp.Func):
        if not isinstance(table.this, _MAKING_ROWS):
            is_named = isinstance(table.this, exp.Anonymous)
            yield f"{table.this.name if is_named else table.this.sql_name()}()".lower()
        return
    if input_of(table) is None and not is_cte(table):
        yield f"{table.sql()}, which is neither a ref nor a source"
