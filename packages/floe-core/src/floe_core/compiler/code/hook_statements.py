"""Find out whether the statements of a hook depend on, or change, more than the node's own rows."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from floe_core.compiler.code.hook_texts import THIS, UNKNOWN

_OWN = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Select, exp.TruncateTable)
_IDLE = (exp.Comment, exp.Grant, exp.Revoke, exp.Alter, exp.Analyze, exp.Set, exp.Pragma)
# Statements that sqlglot knows by their first words only; none of them changes rows.
_IDLE_COMMAND = re.compile(
    rf"(?:alter|analyze|cluster|comment|grant|optimize|refresh|reindex|revoke|vacuum)\b"
    rf"(?:(?!\b(?:from|join|into|using|select)\b).)*\b{THIS}\b(?!.*\b{UNKNOWN}\b).*",
    re.DOTALL | re.IGNORECASE,
)
# These are syntax; anyone may have created a function of any other name.
_SYNTAX = (exp.And, exp.Or, exp.Xor, exp.Case, exp.If, exp.Cast, exp.Coalesce, exp.Nullif)


def find_foreign(sql: str, dialect: str) -> str:
    """Return what a hook's SQL names beside its node's relation, "" for nothing.

    `sql` is what `HookTexts.render` returns.

    >>> find_foreign("delete from floe_this where a = 1; analyze floe_this", "duckdb")
    ''
    >>> find_foreign("insert into floe_this select * from raw.orders", "duckdb")
    'raw.orders'
    """
    statements = _parse(sql, dialect)
    if statements is None:
        return "SQL that floe cannot read"
    return next((found for each in statements for found in _of_statement(each)), "")


def find_written(sql: str, dialect: str) -> set[str]:
    """Return the tables that a hook's SQL may write beside its node's own, in lower case.

    Names are without schema; "" stands for tables that can't be named.

    >>> sorted(find_written("insert into a.Log select 1; call f(); analyze floe_this", "duckdb"))
    ['', 'log']
    """
    statements = _parse(sql, dialect)
    return {""} if statements is None else {found for e in statements for found in _writes(e)}


@lru_cache(maxsize=1024)
def _parse(sql: str, dialect: str) -> tuple[exp.Expr, ...] | None:
    """Return the statements of a hook, None if they can't be read.

    Many nodes share a hook of their project, and each is asked about twice.
    """
    logger = logging.getLogger("sqlglot")
    before, logger.disabled = logger.disabled, True
    try:
        return tuple(each for each in sqlglot.parse(sql, dialect=dialect) if each)
    except (SqlglotError, RecursionError):
        return None
    finally:
        logger.disabled = before


def _writes(statement: exp.Expr) -> Iterator[str]:
    if isinstance(statement, (exp.Select, *_IDLE)) or not any(_of_statement(statement)):
        return
    if isinstance(statement, exp.Create) and statement.args.get("exists"):
        return  # It leaves a table that is there.
    written = statement.find(exp.Table)
    if written is None or written.name == UNKNOWN:
        yield ""
    elif not _is_own(written):
        yield written.name.lower()


def _of_statement(statement: exp.Expr) -> Iterator[str]:
    if isinstance(statement, exp.Command):
        text = f"{statement.this} {statement.expression}"
        if not _IDLE_COMMAND.fullmatch(text):
            yield f"a statement {str(statement.this).upper()}"
        return
    is_index = isinstance(statement, exp.Create) and statement.kind == "INDEX"
    if not is_index and not isinstance(statement, _OWN + _IDLE):
        yield f"a statement {statement.key.upper()}"
    is_grant = isinstance(statement, exp.Grant | exp.Revoke)
    ctes = {cte.alias.lower() for cte in statement.find_all(exp.CTE)}
    for node in statement.walk():
        if isinstance(node, exp.Table):
            if node.name.lower() not in ctes and not _is_own(node):
                is_known = UNKNOWN not in {part.name for part in node.parts}
                yield node.sql(comments=False) if is_known else "another relation"
        elif isinstance(node, exp.Func) and not isinstance(node, _SYNTAX):
            yield f"{node.name if isinstance(node, exp.Anonymous) else node.sql_name()}()".lower()
        elif isinstance(node, exp.Identifier) and node.name == UNKNOWN and not is_grant:
            yield "a value that only the run knows"


def _is_own(table: exp.Table) -> bool:
    return {part.name for part in table.parts} == {THIS}
